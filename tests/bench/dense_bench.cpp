// How dense payloads are (src/dense.h), and what that costs: 5,000 different replies against a dictionary of the first ones.
//
//   dense_bench [<functions that take turns>] [<file of texts, each after its length in four bytes>]
//
// Times are those of the fastest of many short slices, as other programs run beside this one. To build it:
//
//   lz4="-DLZ4_MEMORY_USAGE=16 -DLZ4_STATIC_LINKING_ONLY_DISABLE_MEMORY_ALLOCATION -Ibuild/third_party/lz4"
//   cc -O2 $lz4 -w -c src/dense_lz4.c -o build/dense_lz4.o
//   c++ -std=c++20 -O2 $lz4 -Isrc -Itests/native tests/bench/dense_bench.cpp src/dense.cpp build/dense_lz4.o -o build/dense_bench
//
// With emcc and em++ in their place, -sENVIRONMENT=node -sWASM_ASYNC_COMPILATION=0 -sALLOW_MEMORY_GROWTH and .cjs it runs in Node.
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "dense.h"
#include "dense_support.h"

namespace {

using namespace reprise;

Bytes bytes_of(const std::string& text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

double now_us() {
  return std::chrono::duration<double, std::micro>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

}  // namespace

int main(int count, char** arguments) {
  const std::uint32_t functions =
      count > 1 ? static_cast<std::uint32_t>(std::atoi(arguments[1])) : 1;
  std::vector<std::string> texts;
  if (count > 2) {
    std::FILE* file = std::fopen(arguments[2], "rb");
    if (file == nullptr) return 1;
    for (std::uint32_t size = 0; std::fread(&size, 4, 1, file) == 1 && texts.size() < 5'000;) {
      std::string text(size, '\0');
      if (std::fread(text.data(), 1, size, file) != size) return 1;
      texts.push_back(std::move(text));
    }
    std::fclose(file);
  } else {
    Replies replies(1);
    for (int i = 0; i < 5'000; ++i) texts.push_back(replies.reply());
  }

  constexpr std::size_t kSlice = 100;
  Dense dense(10'000'000);
  const auto dictionary_of = [&](std::size_t i) {
    return dense.dictionary_of(static_cast<std::uint32_t>(i % functions));
  };
  double compressing = 1e9;
  double decompressing = 1e9;
  std::size_t before = 0;
  std::size_t after = 0;
  std::size_t raw = 0;
  for (int round = 0; round < 20; ++round) {
    std::vector<std::string> compressed;
    before = after = raw = 0;
    std::vector<std::string> slice(kSlice);
    for (std::size_t i = 0; i + kSlice <= texts.size(); i += kSlice) {
      const double start = now_us();
      for (std::size_t j = i; j < i + kSlice; ++j) {
        const Bytes bytes = dense.compress(dictionary_of(j), bytes_of(texts[j]));
        slice[j - i].assign(reinterpret_cast<const char*>(bytes.data()), bytes.size());
      }
      const double us = (now_us() - start) / kSlice;
      bool all = true;
      for (std::size_t j = i; j < i + kSlice; ++j) {
        all = all && !slice[j - i].empty();
        if (slice[j - i].empty()) ++raw;
        before += texts[j].size();
        after += slice[j - i].empty() ? texts[j].size() : slice[j - i].size();
      }
      if (all) compressing = std::min(compressing, us);
      compressed.insert(compressed.end(), slice.begin(), slice.end());
    }
    for (std::size_t i = 0; i + kSlice <= compressed.size(); i += kSlice) {
      bool all = true;
      const double start = now_us();
      for (std::size_t j = i; j < i + kSlice; ++j) {
        all = all &&
              !dense.decompress(dictionary_of(j), bytes_of(compressed[j]), texts[j].size()).empty();
      }
      if (all) decompressing = std::min(decompressing, (now_us() - start) / kSlice);
    }
  }
  std::printf("%zu texts of %zu bytes: %.1f %%, compressed in %.2f us, decompressed in %.2f us\n",
              texts.size(), before / texts.size(),
              100.0 * static_cast<double>(after) / static_cast<double>(before), compressing,
              decompressing);
}
