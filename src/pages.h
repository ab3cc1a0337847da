// All memory of a cache, as pages of one size from one pool that knows the budget.
//
// Everything that grows with the entries (index, token table, policy, arena) is made of these pages, and only of them.
// So the budget is a promise about measured memory: no array doubles by copying itself, nothing of another
// kind lies between, and a page that one structure gives back serves any other. The pool asks the host for
// memory in steps as pages are needed and never gives it back (WebAssembly cannot), so what it holds is a high-water mark
// and never above the budget. Where the host refuses, the pool makes do with what it has.
//
// Within the pages a place is an offset of 32 bits (number of the page, place in it), the same natively as
// in WebAssembly, where addresses differ.
#pragma once

#include <cstddef>
#include <cstdint>

namespace reprise {

using Page = std::uint32_t;
constexpr Page kNoPage = UINT32_MAX;
constexpr std::uint32_t kPageSize = 32 * 1024;

class Pages {
 public:
  // What the tables beside a page take for it, at most: here and in whatever is made of pages.
  static constexpr std::size_t kTablesPerPage = 128;
  // Offsets leave one bit of 32 to their users.
  static constexpr std::uint64_t kMaxBytes = std::uint64_t{1} << 31;

  explicit Pages(std::uint64_t max_bytes);
  ~Pages();
  Pages(const Pages&) = delete;
  Pages& operator=(const Pages&) = delete;

  // A page with anything in it, or kNoPage: the budget is spent, or the host refuses.
  [[nodiscard]] Page allocate();
  void free(Page page);

  [[nodiscard]] std::uint8_t* at(Page page) const { return at_[page]; }

  // The most pages that there will ever be; page numbers are below this.
  [[nodiscard]] std::uint32_t most() const { return most_; }
  [[nodiscard]] std::uint32_t used() const { return used_; }
  // What the pool has got from the host, used or not.
  [[nodiscard]] std::uint64_t bytes() const { return std::uint64_t{held_} * kPageSize; }

  // For tests: the host gives no more than `most` pages.
  void refuse_after(std::uint32_t most) { most_ = most; }
  // For tests: the n-th allocation from now on fails, as if the host refused it once.
  void fail_at(std::uint64_t n) { fail_at_ = n; }
  [[nodiscard]] bool failed() const { return fail_at_ == 0; }

  // For tests and debug builds: every invariant holds.
  [[nodiscard]] bool valid() const;

 private:
  struct Frame {
    Page next_free = kNoPage;
    bool first = false;  // of the pages that came from the host at once
  };

  [[nodiscard]] bool grow();

  std::uint8_t** at_ = nullptr;  // by page; apart, because every look-up goes there
  Frame* frames_ = nullptr;
  std::uint32_t most_ = 0;
  std::uint32_t held_ = 0;
  std::uint32_t used_ = 0;
  Page free_ = kNoPage;
  std::uint64_t fail_at_ = UINT64_MAX;
};

}  // namespace reprise
