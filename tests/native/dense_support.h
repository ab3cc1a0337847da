// Replies as a model gives them, made from a seed: JSON whose members are always the same, and English-like prose that never
// is. The words are made of syllables, some are far more frequent than others, and some follow each other by habit; LZ4
// finds about as much in it as in technical English.
#pragma once

#include <cmath>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

namespace reprise {

class Replies {
 public:
  explicit Replies(std::uint32_t seed) : random_(seed) {
    // One language for all seeds: it is what a dictionary is about.
    std::mt19937 language(4);
    const auto among = [&language](auto& things) -> auto& {
      return things[language() % things.size()];
    };
    const std::vector<std::string> onsets{"b",  "c",  "d",  "f",  "g",  "h", "l", "m",
                                          "n",  "p",  "r",  "s",  "t",  "v", "w", "st",
                                          "tr", "pr", "ch", "th", "sh", "pl"};
    const std::vector<std::string> rimes{"a",   "e",  "i",  "o",  "u",  "an",  "er",
                                         "in",  "on", "at", "es", "or", "ent", "ing",
                                         "ion", "al", "ed", "ea", "ou", "ic"};
    for (std::size_t i = 0; i < kWords; ++i) {
      std::string word;
      const std::size_t syllables = 1 + (i > 60) + language() % (i > 600 ? 3 : 2);
      for (std::size_t j = 0; j < syllables; ++j) word += among(onsets) + among(rimes);
      words_.push_back(word);
      next_.push_back(language() % kWords);
    }
  }

  // About `size` bytes of prose.
  std::string prose(std::size_t size) {
    std::string text;
    std::size_t at = word();
    std::size_t in_sentence = 0;
    while (text.size() < size) {
      std::string next = words_[at];
      if (in_sentence == 0) next[0] = static_cast<char>(next[0] - 'a' + 'A');
      text += next;
      ++in_sentence;
      if (in_sentence > 6 && random_() % 12 == 0) {
        text += random_() % 6 == 0 ? ".\\n\\n" : ". ";
        in_sentence = 0;
      } else {
        text += random_() % 11 == 0 ? ", " : " ";
      }
      at = random_() % 3 == 0 ? next_[at] : word();
    }
    return text;
  }

  // A whole reply: some 450 bytes that all have, and about `size` bytes of prose.
  std::string reply(std::size_t size = 650) {
    return R"({"id":"chatcmpl-)" + id(29) + R"(","object":"chat.completion","created":)" +
           number(1'730'000'000, 30'000'000) +
           R"(,"model":"gpt-4o-mini-2024-07-18","choices":[{"index":0,"message":{"role":"assistant","content":")" +
           prose(size) +
           R"(","refusal":null},"logprobs":null,"finish_reason":"stop"}],"usage":{"prompt_tokens":)" +
           number(50, 900) + R"(,"completion_tokens":)" + number(50, 400) + R"(,"total_tokens":)" +
           number(100, 1'300) +
           R"(,"prompt_tokens_details":{"cached_tokens":0,"audio_tokens":0}},"service_tier":"default","system_fingerprint":"fp_)" +
           id(10) + R"("})";
  }

  std::string noise(std::size_t size) {
    std::string text;
    for (std::size_t i = 0; i < size; ++i) text += static_cast<char>(random_());
    return text;
  }

  std::size_t below(std::size_t limit) { return random_() % limit; }

 private:
  static constexpr std::size_t kWords = 3'000;

  // The rank of a word in English is about one over its frequency.
  std::size_t word() {
    const double u = static_cast<double>(random_()) / 4294967296.0;
    return static_cast<std::size_t>(std::pow(static_cast<double>(kWords), u)) - 1;
  }

  std::string id(std::size_t size) {
    std::string text;
    while (text.size() < size) text += "abcdefghijklmnopqrstuvwxyz0123456789"[random_() % 36];
    return text;
  }

  std::string number(std::uint32_t from, std::uint32_t range) {
    return std::to_string(from + random_() % range);
  }

  std::mt19937 random_;
  std::vector<std::string> words_;
  std::vector<std::size_t> next_;
};

}  // namespace reprise
