#include "trace.h"

#include <zlib.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <numeric>
#include <string_view>
#include <unordered_map>

namespace reprise::sim {

namespace {

namespace fs = std::filesystem;

constexpr const char* kQuantiles = "lognormal_65536.u32le";
constexpr std::size_t kQuantileCount = 65'536;

[[noreturn]] void wrong(const std::string& path, const std::string& what,
                        const std::string& to_do) {
  throw TraceError(path + ": " + what + "\nTo do: " + to_do);
}

// The whole file, unpacked if it is packed: zlib passes on what is not gzip as it is.
std::string read_whole(const std::string& path) {
  if (fs::is_directory(path)) wrong(path, "it is a folder.", "name the trace files in it.");
  const gzFile file = gzopen(path.c_str(), "rb");
  if (file == nullptr) {
    wrong(path, std::string("it cannot be opened: ") + std::strerror(errno) + ".",
          "check the path and its permissions.");
  }
  gzbuffer(file, 1U << 18);
  std::string all;
  std::vector<char> piece(1U << 20);
  int got = 0;
  while ((got = gzread(file, piece.data(), static_cast<unsigned>(piece.size()))) > 0) {
    all.append(piece.data(), static_cast<std::size_t>(got));
  }
  int code = Z_OK;
  const std::string message = gzerror(file, &code);
  gzclose(file);
  // A gzip file that ends too early is Z_BUF_ERROR.
  if (got < 0 || code != Z_OK) {
    wrong(path,
          "its gzip data is damaged after " + std::to_string(all.size()) +
              " unpacked bytes: " + message + ".",
          "get the file again.");
  }
  return all;
}

std::uint64_t splitmix64(std::uint64_t x) {
  x += 0x9e3779b97f4a7c15U;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9U;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebU;
  return x ^ (x >> 31);
}

// Four tokens are a cent of a cent; one text in twenty goes to the dear model.
double cost_of(std::uint64_t key, std::uint64_t size) {
  const std::uint64_t hash = splitmix64(key);
  const std::uint64_t cost = std::max<std::uint64_t>(1, size / 4);
  return static_cast<double>(((hash >> 32) & 0xffff) < 3277 ? cost * 100 : cost);
}

std::vector<std::uint32_t> read_quantiles(const std::string& trace, const std::string& given) {
  std::vector<fs::path> places{given};
  if (given.empty()) {
    const fs::path folder = fs::absolute(trace).parent_path();
    places = {folder / kQuantiles, folder.parent_path() / kQuantiles};
  }
  for (const fs::path& place : places) {
    if (!fs::is_regular_file(place)) continue;
    const std::string bytes = read_whole(place.string());
    if (bytes.size() != kQuantileCount * 4) {
      wrong(place.string(), "it has " + std::to_string(bytes.size()) + " bytes and not 262144.",
            "get the file again.");
    }
    std::vector<std::uint32_t> quantiles(kQuantileCount);
    std::memcpy(quantiles.data(), bytes.data(), bytes.size());
    return quantiles;
  }
  wrong(trace,
        std::string("it says nothing of sizes, and ") + kQuantiles +
            ", which they are made from, is neither beside it nor in the folder above.",
        std::string("put ") + kQuantiles + " there, or name it with --sizes <file>.");
}

class Ctr1 {
 public:
  Ctr1(const std::string& path, std::string_view bytes) : path_(path), bytes_(bytes) {}

  Trace read(const std::string& quantiles) {
    at_ = 4;
    const std::uint32_t flags = u32("the flags");
    const std::uint32_t keys = u32("the number of keys");
    const std::uint32_t requests = u32("the number of requests");
    if (flags > 3)
      fail("the flags are " + std::to_string(flags) + ", and only bits 0 and 1 are known");
    if (keys > bytes_.size() || requests > bytes_.size()) {
      fail("it promises " + std::to_string(keys) + " keys and " + std::to_string(requests) +
           " requests, which is more than it has bytes");
    }
    Trace trace;
    if ((flags & 1U) != 0) {
      for (std::uint32_t key = 0; key < keys; ++key) trace.sizes.push_back(u32("a size"));
    } else {
      const std::vector<std::uint32_t> table = read_quantiles(path_, quantiles);
      for (std::uint32_t key = 0; key < keys; ++key) {
        trace.sizes.push_back(table[splitmix64(key) >> 48]);
      }
    }
    for (std::uint32_t key = 0; key < keys; ++key) {
      trace.costs.push_back((flags & 2U) != 0 ? u32("a cost") : cost_of(key, trace.sizes[key]));
    }
    std::int64_t key = 0;
    trace.requests.reserve(requests);
    for (std::uint32_t n = 0; n < requests; ++n) {
      key += step();
      if (key < 0 || key >= keys) {
        fail("request " + std::to_string(n) + " is for key " + std::to_string(key) + " of " +
             std::to_string(keys));
      }
      trace.requests.push_back(static_cast<std::uint32_t>(key));
    }
    if (at_ != bytes_.size()) fail("there are bytes behind the last request");
    return trace;
  }

 private:
  [[noreturn]] void fail(const std::string& what) {
    wrong(path_, what + " (at byte " + std::to_string(at_) + " of the unpacked file).",
          "get the file again; `reprise-sim --help` describes the format.");
  }

  std::uint32_t u32(const char* what) {
    if (bytes_.size() - at_ < 4) fail(std::string("it ends where ") + what + " should be");
    std::uint32_t value = 0;
    for (std::uint32_t i = 0; i < 4; ++i) {
      value |= static_cast<std::uint32_t>(static_cast<unsigned char>(bytes_[at_ + i])) << (8 * i);
    }
    at_ += 4;
    return value;
  }

  std::int64_t step() {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 63; shift += 7) {
      if (at_ == bytes_.size()) fail("it ends in the middle of the requests");
      const auto byte = static_cast<unsigned char>(bytes_[at_++]);
      value |= static_cast<std::uint64_t>(byte & 0x7fU) << shift;
      if (byte < 0x80) {
        const auto half = static_cast<std::int64_t>(value >> 1);
        return (value & 1) == 0 ? half : -half - 1;
      }
    }
    fail("a number of a request is too long");
  }

  const std::string& path_;
  std::string_view bytes_;
  std::size_t at_ = 0;
};

std::string_view trimmed(std::string_view text) {
  const auto blank = [](char c) { return c == ' ' || c == '\t' || c == '\r'; };
  while (!text.empty() && blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && blank(text.back())) text.remove_suffix(1);
  return text;
}

template <class Number>
bool parse(std::string_view text, Number& into) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), into);
  return error == std::errc{} && end == text.data() + text.size();
}

Trace read_csv(const std::string& path, std::string_view bytes) {
  Trace trace;
  std::unordered_map<std::string_view, std::uint32_t> numbers;
  std::size_t line_number = 0;
  for (std::size_t at = 0; at < bytes.size();) {
    const std::size_t end = std::min(bytes.find('\n', at), bytes.size());
    const std::string_view line = trimmed(bytes.substr(at, end - at));
    at = end + 1;
    ++line_number;
    if (line.empty() || line.front() == '#') continue;
    std::vector<std::string_view> fields;
    for (std::size_t from = 0; from <= line.size();) {
      const std::size_t comma = std::min(line.find(',', from), line.size());
      fields.push_back(trimmed(line.substr(from, comma - from)));
      from = comma + 1;
    }
    if (trace.requests.empty() && line_number == 1 && fields[0] == "key") continue;
    const auto bad = [&](const std::string& what) {
      wrong(path,
            "line " + std::to_string(line_number) + ": " + what + ": " +
                std::string(line.substr(0, 80)),
            "a line is key,size,cost, as in gpt:hello,2048,1.5 (a number has a point and no "
            "thousands mark).");
    };
    std::uint64_t size = 1;
    double cost = 1;
    if (fields.size() > 3) bad("more than three fields");
    if (fields[0].empty()) bad("there is no key");
    if (fields.size() > 1 && !parse(fields[1], size)) bad("the size is not a whole number");
    if (fields.size() > 2 && (!parse(fields[2], cost) || !std::isfinite(cost) || cost < 0)) {
      bad("the cost is not a number from 0 on");
    }
    const auto [found, is_new] =
        numbers.try_emplace(fields[0], static_cast<std::uint32_t>(trace.sizes.size()));
    if (is_new) {
      trace.sizes.push_back(size);
      trace.costs.push_back(cost);
    }
    trace.requests.push_back(found->second);
  }
  return trace;
}

}  // namespace

std::uint64_t Trace::footprint_bytes() const {
  return std::accumulate(sizes.begin(), sizes.end(), std::uint64_t{0});
}

Trace read_trace(const std::string& path, const std::string& quantiles) {
  const std::string bytes = read_whole(path);
  Trace trace;
  if (bytes.starts_with("CTR1")) {
    trace = Ctr1(path, bytes).read(quantiles);
  } else if (bytes.find('\0') != std::string::npos) {
    wrong(path, "it is neither a CTR1 file (its first bytes would be CTR1) nor text.",
          "give a trace; `reprise-sim --help` describes both formats.");
  } else {
    trace = read_csv(path, bytes);
  }
  if (trace.requests.empty())
    wrong(path, "there is no request in it.", "give a trace with at least one line.");
  trace.name = fs::path(path).filename().string();
  for (const char* ending : {".gz", ".ctr", ".csv"}) {
    if (trace.name.ends_with(ending)) trace.name.resize(trace.name.size() - std::strlen(ending));
  }
  return trace;
}

}  // namespace reprise::sim
