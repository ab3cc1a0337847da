#include "arena.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>

namespace reprise {

namespace {

constexpr std::uint16_t kDead = 0x8000;  // beside the size
constexpr std::uint32_t kWorthwhile = kPageSize / 16;
constexpr std::uint32_t kAsGoodAsNew = kPageSize / 4;
// Pages that one thinning out touches, at most.
constexpr int kMaxThinned = 48;

struct Header {
  std::uint32_t owner;
  std::uint32_t size;
  bool dead;
};

Header header_at(const std::uint8_t* block) {
  std::uint32_t owner = 0;
  std::uint16_t size = 0;
  std::memcpy(&owner, block, sizeof owner);
  std::memcpy(&size, block + sizeof owner, sizeof size);
  return {owner, size & ~std::uint32_t{kDead}, (size & kDead) != 0};
}

void put_size(std::uint8_t* block, std::uint32_t size_and_mark) {
  const auto size = static_cast<std::uint16_t>(size_and_mark);
  std::memcpy(block + 4, &size, sizeof size);
}

}  // namespace

Arena::Arena(Pages& pages, void* context, Moved moved)
    : pages_(pages), context_(context), moved_(moved), most_(pages.most()) {
  fill_ = static_cast<Fill*>(std::calloc(most_ == 0 ? 1 : most_, sizeof(Fill)));
  if (fill_ == nullptr) most_ = 0;
}

Arena::~Arena() {
  clear();
  std::free(fill_);
}

Ref Arena::allocate(std::uint32_t owner, std::uint32_t size, bool hurry) {
  const std::uint32_t need = size + kHeader;
  if (size > kMaxBlock || most_ == 0) return kNowhere;
  if ((open_ == kNoPage || kPageSize - fill_[open_].end < need) && !open_one(need, hurry))
    return kNowhere;
  Fill& fill = fill_[open_];
  const Ref block = open_ * kPageSize + fill.end;
  std::memcpy(raw(block), &owner, sizeof owner);
  put_size(raw(block), size);
  fill.end = static_cast<std::uint16_t>(fill.end + need);
  fill.live = static_cast<std::uint16_t>(fill.live + need);
  live_ += need;
  return block;
}

void Arena::free(Ref block) {
  const Page page = block / kPageSize;
  const std::uint32_t size = header_at(raw(block)).size;
  put_size(raw(block), size | kDead);
  Fill& fill = fill_[page];
  fill.live = static_cast<std::uint16_t>(fill.live - (size + kHeader));
  live_ -= size + kHeader;
  if (fill.live == 0) {
    drop(page);
  } else if (page != open_ && sparsest_ != kNoPage && fill.live < fill_[sparsest_].live) {
    sparsest_ = page;
  }
}

void Arena::clear() {
  for (Page page = 0; page < seen_; ++page) {
    if (fill_[page].end > 0) drop(page);
  }
  live_ = 0;
  thin_again_ = 0;
}

bool Arena::release_page() {
  close();
  // One more than the page itself, for what does not fit the others' ends.
  if (count_ < 2 || all_dead() < kPageSize) return false;
  const Page page = sparsest(kNoPage);
  const std::uint32_t before = pages_.used();
  if (!thin_out(page, kPageSize)) return false;
  return pages_.used() < before;
}

// From now on the open page is one like the others.
void Arena::close() {
  if (open_ == kNoPage) return;
  if (sparsest_ != kNoPage && fill_[open_].live < fill_[sparsest_].live) sparsest_ = open_;
  open_ = kNoPage;
}

// Opens a page with `need` bytes at its end.
bool Arena::open_one(std::uint32_t need, bool hurry) {
  close();
  if (sparsest_ == kNoPage) sparsest_ = sparsest(kNoPage);
  const std::uint32_t gain = sparsest_ == kNoPage ? 0 : dead(sparsest_);
  Page page = sparsest_;
  if (gain < std::max(need, kAsGoodAsNew)) {
    const Page fresh = pages_.allocate();
    if (fresh != kNoPage) {
      seen_ = std::max(seen_, fresh + 1);
      ++count_;
      open_ = fresh;
      return true;
    }
    const std::uint32_t wanted = hurry ? need : std::max(need, kWorthwhile);
    if (gain < wanted) {
      const std::uint64_t plenty = hurry ? std::uint64_t{4} * need : bytes() / 16;
      if (page == kNoPage || all_dead() < std::max(plenty, thin_again_)) return false;
      if (!thin_out(page, wanted)) {
        thin_again_ = all_dead() + bytes() / 64;
        return false;
      }
      // It may be dead all over now: the pool has it, and hands it out again.
      if (fill_[page].end == 0) return open_one(need, hurry);
    }
  }
  thin_again_ = 0;
  compact(page);
  open_ = page;
  sparsest_ = kNoPage;
  return true;
}

Page Arena::sparsest(Page but) const {
  Page best = kNoPage;
  for (Page page = 0; page < seen_; ++page) {
    if (fill_[page].end == 0 || page == open_ || page == but) continue;
    if (best == kNoPage || fill_[page].live < fill_[best].live) best = page;
  }
  return best;
}

void Arena::compact(Page page) {
  std::uint8_t* const begin = pages_.at(page);
  std::uint32_t to = 0;
  const std::uint32_t end = fill_[page].end;
  for (std::uint32_t from = 0; from < end;) {
    const Header header = header_at(begin + from);
    const std::uint32_t length = header.size + kHeader;
    if (!header.dead) {
      if (from != to) {
        std::memmove(begin + to, begin + from, length);
        moved_(context_, header.owner, page * kPageSize + from, page * kPageSize + to);
      }
      to += length;
    }
    from += length;
  }
  fill_[page].end = static_cast<std::uint16_t>(to);
}

// Moves blocks of the page to others until `wanted` bytes of it are dead. One that is dead all over is dropped.
bool Arena::thin_out(Page page, std::uint32_t wanted) {
  sparsest_ = kNoPage;
  for (int step = 0; dead(page) < wanted; ++step) {
    const Page to = step == kMaxThinned ? kNoPage : sparsest(page);
    if (to == kNoPage) return false;
    compact(to);
    if (move_into(page, to) == 0) return false;
  }
  if (fill_[page].live == 0) drop(page);
  return true;
}

// Says how many bytes moved.
std::uint32_t Arena::move_into(Page from, Page to) {
  std::uint32_t moved = 0;
  std::uint8_t* const begin = pages_.at(from);
  for (std::uint32_t at = 0; at < fill_[from].end;) {
    const Header header = header_at(begin + at);
    const std::uint32_t length = header.size + kHeader;
    if (!header.dead && length <= kPageSize - fill_[to].end) {
      const std::uint32_t place = fill_[to].end;
      std::memcpy(pages_.at(to) + place, begin + at, length);
      put_size(begin + at, header.size | kDead);
      fill_[to].end = static_cast<std::uint16_t>(place + length);
      fill_[to].live = static_cast<std::uint16_t>(fill_[to].live + length);
      fill_[from].live = static_cast<std::uint16_t>(fill_[from].live - length);
      moved += length;
      moved_(context_, header.owner, from * kPageSize + at, to * kPageSize + place);
    }
    at += length;
  }
  return moved;
}

void Arena::drop(Page page) {
  fill_[page] = {};
  --count_;
  if (open_ == page) open_ = kNoPage;
  if (sparsest_ == page) sparsest_ = kNoPage;
  pages_.free(page);
}

bool Arena::valid() const {
  std::uint64_t live = 0;
  std::uint32_t count = 0;
  for (Page page = 0; page < most_; ++page) {
    const Fill& fill = fill_[page];
    if (page >= seen_ && fill.end > 0) return false;
    // A page may be open with nothing in it.
    if (fill.end == 0 && page != open_) continue;
    ++count;
    std::uint32_t live_here = 0;
    std::uint32_t at = 0;
    while (at < fill.end) {
      const Header header = header_at(pages_.at(page) + at);
      if (!header.dead) live_here += header.size + kHeader;
      at += header.size + kHeader;
    }
    if (at != fill.end || live_here != fill.live || fill.end > kPageSize) return false;
    if (sparsest_ != kNoPage && page != open_ && fill.live < fill_[sparsest_].live) return false;
    live += live_here;
  }
  return live == live_ && count == count_;
}

}  // namespace reprise
