// The digests of src/digest.h side by side, timed as harness.ts does it: in turns, in short slices.
//
//   digest_bench <rounds> <ms of a slice> <bytes>…
//
// Prints a line for each digest and size: its name, the size, and the nanoseconds of one call in each
// slice. What is done with them is the harness's affair. SipHash-1-3 comes first: it is ours.
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "digest.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace {

using reprise::Bytes;

template <int c_rounds, int d_rounds>
std::uint64_t sip_hash(Bytes bytes) {
  reprise::BasicSipHash<c_rounds, d_rounds> hash({0x0706050403020100U, 0x0f0e0d0c0b0a0908U});
  hash.update(bytes);
  const reprise::Digest128 digest = hash.finish();
  return digest.low ^ digest.high;
}

std::uint64_t xxh3(Bytes bytes) {
  const XXH128_hash_t digest = XXH3_128bits(bytes.data(), bytes.size());
  return digest.low64 ^ digest.high64;
}

struct Contestant {
  const char* name;
  std::uint64_t (*digest)(Bytes);
};

constexpr Contestant contestants[] = {
    {"SipHash-1-3", sip_hash<1, 3>}, {"SipHash-2-4", sip_hash<2, 4>}, {"XXH3-128", xxh3}};

// Nanoseconds of one call. Each call changes the first byte by what the one before it returned, so no
// compiler can leave one out.
double slice(const Contestant& contestant, std::vector<std::uint8_t>& input, std::uint64_t calls) {
  using Clock = std::chrono::steady_clock;
  const auto start = Clock::now();
  for (std::uint64_t i = 0; i < calls; ++i) {
    input[0] = static_cast<std::uint8_t>(contestant.digest({input.data(), input.size()}));
  }
  const std::chrono::duration<double, std::nano> spent = Clock::now() - start;
  return spent.count() / static_cast<double>(calls);
}

// Warms up for some slices, until every compiler has had its time, and sees how many calls fill one.
std::uint64_t calls_per_slice(const Contestant& contestant, std::vector<std::uint8_t>& input,
                              double slice_ns) {
  std::uint64_t calls = 1;
  double fastest = slice_ns;
  double spent = 0;
  for (int slices = 0; spent < 30 * slice_ns || slices < 5; ++slices) {
    const double per_call = slice(contestant, input, calls);
    spent += per_call * static_cast<double>(calls);
    if (per_call > 0) fastest = std::min(fastest, per_call);
    calls = std::min(2 * calls,
                     std::max(std::uint64_t{1}, static_cast<std::uint64_t>(slice_ns / fastest)));
  }
  return calls;
}

void run(std::size_t size, int rounds, double slice_ns) {
  constexpr std::size_t count = sizeof(contestants) / sizeof(contestants[0]);
  std::vector<std::uint8_t> input(size);
  for (std::size_t i = 0; i < size; ++i) input[i] = static_cast<std::uint8_t>(i * 131);
  std::uint64_t calls[count];
  std::vector<double> slices[count];
  for (std::size_t i = 0; i < count; ++i) {
    calls[i] = calls_per_slice(contestants[i], input, slice_ns);
  }
  for (int round = 0; round < rounds; ++round) {
    for (std::size_t place = 0; place < count; ++place) {
      const std::size_t i = (place + static_cast<std::size_t>(round)) % count;
      slices[i].push_back(slice(contestants[i], input, calls[i]));
    }
  }
  for (std::size_t i = 0; i < count; ++i) {
    std::printf("%s %zu", contestants[i].name, size);
    for (const double ns : slices[i]) std::printf(" %.2f", ns);
    std::printf("\n");
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 4) {
    std::fprintf(stderr, "digest_bench <rounds> <ms of a slice> <bytes>...\n");
    return 1;
  }
  for (int i = 3; i < argc; ++i) {
    run(std::strtoul(argv[i], nullptr, 10), std::atoi(argv[1]), std::atof(argv[2]) * 1e6);
  }
  return 0;
}
