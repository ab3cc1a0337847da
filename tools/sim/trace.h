// Recorded requests: which key was asked for, one after the other, and what each key's value weighs and costs.
//
// Two forms are read, told apart by their first bytes.
//
//   CTR1   gzip of little-endian bytes: "CTR1", u32 flags (bit 0: sizes follow, bit 1: costs follow), u32 keys,
//          u32 requests, [u32 size of each key], [u32 cost of each key], then for each request a zig-zag LEB128 varint:
//          its key less the key before. Keys are numbered densely, in the order of their first appearance.
//   csv    one request in a line: key,size,cost. The key is any text without a comma; size and cost may be left
//          out (1 each). What a key's first line says holds for all its requests.
//
// A CTR1 trace without sizes gets them from 65,536 quantiles of a log-normal distribution, and one without costs gets the
// price of a text of that many bytes, with every twentieth on a model a hundred times as dear. Both follow from the key
// alone, in whole numbers, so they are the same everywhere.
#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>

namespace reprise::sim {

struct Trace {
  std::string name;
  std::vector<std::uint64_t> sizes;  // of each key, in bytes
  std::vector<double> costs;         // of each key
  std::vector<std::uint32_t> requests;

  // Of all keys together.
  [[nodiscard]] std::uint64_t footprint_bytes() const;
};

// A trace that cannot be read: what is wrong, in which file and where, and what to do.
struct TraceError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// `quantiles` is the path of lognormal_65536.u32le; empty: looked for beside the trace and in the folder above.
Trace read_trace(const std::string& path, const std::string& quantiles = {});

}  // namespace reprise::sim
