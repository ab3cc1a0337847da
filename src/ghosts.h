// Who was turned away or let go lately: fingerprints of keys, without their values. When a ghost is asked for, the policy
// learns that it was wrong, and in which way.
//
// The memory reaches back over a window of bytes, not of entries: a policy that turned away a large entry has taken
// as much of a bet as with a hundred small ones. So there is a clock that counts the bytes of all ghosts ever added, and
// each ghost carries its reading. Ghosts stand in buckets of eight chosen by their fingerprint; a new one takes the place
// of one whose time is over, or else of the oldest: a queue for each bucket, without links and without an index.
// A fingerprint is 32 bits, so a stranger is taken for a ghost once in hundreds of millions of questions.
//
// Ghosts that steer a policy: Megiddo and Modha, "ARC: a self-tuning, low overhead replacement cache" (FAST 2003).
#pragma once

#include <array>
#include <cstdint>

#include "array.h"

namespace reprise {

class Ghosts {
 public:
  explicit Ghosts(Pages& pages) : pages_(pages), fingerprints_(pages), stamps_(pages) {}

  enum class Kind : std::uint8_t { none = 0, refused = 1, evicted_used = 2, evicted_unused = 3 };

  // Fits the table to so many ghosts (it only ever grows, by doubling; where memory cannot be had it stays as it is), and
  // sets how many bytes of ghosts the memory reaches back.
  void fit(std::uint64_t ghosts, std::uint64_t window_bytes);

  void add(std::uint64_t hash, std::uint64_t bytes, Kind kind);

  // What kind of ghost the key is. It is none from here on.
  Kind take(std::uint64_t hash);

  // The part of this kind in the window's bytes, smoothed. All kinds together are 1 once there was any ghost.
  [[nodiscard]] double share(Kind kind) const;

  void clear();

  [[nodiscard]] std::size_t bytes() const { return fingerprints_.bytes() + stamps_.bytes(); }
  [[nodiscard]] bool valid() const;

 private:
  static constexpr std::size_t kBucket = 8;
  // A stamp is the clock in units of window / 2^12, in 14 bits, above two bits of kind; 0 marks a free place. A ghost that outlived four windows
  // in a bucket where nobody needed its place would look young again; the harm is one wrong hint.
  static constexpr std::uint32_t kUnitsPerWindow = 1U << 12;
  static constexpr std::uint32_t kStampMask = (1U << 14) - 1;

  [[nodiscard]] std::size_t bucket(std::uint32_t fingerprint) const;
  [[nodiscard]] std::uint32_t now() const {
    return static_cast<std::uint32_t>(clock_) & kStampMask;
  }
  [[nodiscard]] std::uint32_t age(std::size_t at) const {
    return (now() - (stamps_[at] >> 2U)) & kStampMask;
  }
  void place(std::uint32_t fingerprint, std::uint16_t stamp);

  Pages& pages_;
  Array<std::uint32_t> fingerprints_;
  Array<std::uint16_t> stamps_;
  double window_bytes_ = 0;
  double clock_ = 0;               // in units; goes round at 2^14
  std::array<double, 4> parts_{};  // of each kind
};

}  // namespace reprise
