// Where keys' entries lie: blocks of exactly the size asked for, in pages, so that the garbage collector of the host
// has nothing to do with them and the budget is counted, not guessed.
//
// Blocks are appended to the open page; a freed one is only marked. A page that is dead all over goes back to the pool.
// Otherwise room comes back by compaction: the blocks of the sparsest page move together, in place, and
// it is the open page again. So there are no size classes to round up to and no holes that fit nothing. A block that
// moves is named to its owner (`Moved`); who holds places (Ref) across a call of allocate() or release_page() listens.
//
//   |owner 4|size 2|content …|owner 4|size 2|content …|    (nothing yet)    |
//
// How much may be dead? A page is compacted only if that gains a sixteenth of it, so that the copying stays within
// a small multiple of what is stored. Where no page is so sparse but a sixteenth of all bytes is dead, pages are
// thinned out: their blocks move into what others have to spare. Hence in the steady state of a full cache about fifteen
// sixteenths are live, whatever the sizes; allocate() fails only above that, and the caller evicts and tries again: in a
// hurry where it has let go of much more than it asks for.
#pragma once

#include <cstdint>
#include <cstring>

#include "pages.h"

namespace reprise {

// A place in the pages: of a block.
using Ref = std::uint32_t;
constexpr Ref kNowhere = UINT32_MAX;

class Arena {
 public:
  // `owner` is the block's now; it lay at `from` and lies at `to`.
  using Moved = void (*)(void* context, std::uint32_t owner, Ref from, Ref to);

  // What a block takes beside its content.
  static constexpr std::uint32_t kHeader = 6;
  // Four of the largest blocks fill a page.
  static constexpr std::uint32_t kMaxBlock = kPageSize / 4 - kHeader;

  Arena(Pages& pages, void* context, Moved moved);
  ~Arena();
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;

  // A block of `size` bytes, at most kMaxBlock; kNowhere where something has to go first. Other blocks may move.
  // `hurry`: any room will do, however much must be copied for it.
  [[nodiscard]] Ref allocate(std::uint32_t owner, std::uint32_t size, bool hurry = false);
  void free(Ref block);
  void clear();

  // Empties a page by moving its blocks to others and gives it back to the pool; false where there is no room for them.
  [[nodiscard]] bool release_page();

  [[nodiscard]] std::uint8_t* at(Ref block) const { return raw(block) + kHeader; }
  [[nodiscard]] std::uint32_t size(Ref block) const {
    std::uint16_t size = 0;
    std::memcpy(&size, raw(block) + 4, sizeof size);
    return size;
  }
  [[nodiscard]] std::uint32_t owner(Ref block) const {
    std::uint32_t owner = 0;
    std::memcpy(&owner, raw(block), sizeof owner);
    return owner;
  }
  void set_owner(Ref block, std::uint32_t owner) { std::memcpy(raw(block), &owner, sizeof owner); }

  // Of the blocks in use, headers included.
  [[nodiscard]] std::uint64_t live() const { return live_; }
  [[nodiscard]] std::uint64_t bytes() const { return std::uint64_t{count_} * kPageSize; }

  // For tests and debug builds: every invariant holds.
  [[nodiscard]] bool valid() const;

 private:
  struct Fill {
    std::uint16_t end = 0;   // where the next block would begin; 0: no page of the arena
    std::uint16_t live = 0;  // bytes of blocks in use
  };

  [[nodiscard]] std::uint8_t* raw(Ref block) const {
    return pages_.at(block / kPageSize) + block % kPageSize;
  }
  [[nodiscard]] std::uint32_t dead(Page page) const { return kPageSize - fill_[page].live; }
  [[nodiscard]] std::uint64_t all_dead() const { return bytes() - live_; }
  void close();
  [[nodiscard]] bool open_one(std::uint32_t need, bool hurry);
  [[nodiscard]] Page sparsest(Page but) const;
  void compact(Page page);
  [[nodiscard]] bool thin_out(Page page, std::uint32_t wanted);
  [[nodiscard]] std::uint32_t move_into(Page from, Page to);
  void drop(Page page);

  Pages& pages_;
  void* context_;
  Moved moved_;
  Fill* fill_ = nullptr;    // by page
  std::uint32_t most_ = 0;  // of it
  std::uint32_t seen_ = 0;  // pages from here on were never the arena's
  std::uint32_t count_ = 0;
  std::uint64_t live_ = 0;
  Page open_ = kNoPage;
  Page sparsest_ = kNoPage;       // of all but the open one; kNoPage: must be looked for
  std::uint64_t thin_again_ = 0;  // thinning out failed; try again when so many bytes are dead
};

}  // namespace reprise
