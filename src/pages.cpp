#include "pages.h"

#include <algorithm>
#include <cstdlib>

namespace reprise {

Pages::Pages(std::uint64_t max_bytes)
    : most_(static_cast<std::uint32_t>(std::min(max_bytes, kMaxBytes) / kPageSize)) {
  frames_ = static_cast<Frame*>(std::calloc(most_ == 0 ? 1 : most_, sizeof(Frame)));
  at_ = static_cast<std::uint8_t**>(std::calloc(most_ == 0 ? 1 : most_, sizeof *at_));
  if (frames_ == nullptr || at_ == nullptr) most_ = 0;
}

Pages::~Pages() {
  for (Page page = 0; page < held_; ++page) {
    if (frames_[page].first) std::free(at_[page]);
  }
  std::free(frames_);
  std::free(at_);
}

Page Pages::allocate() {
  if (fail_at_ != UINT64_MAX && fail_at_ != 0 && --fail_at_ == 0) return kNoPage;
  if (free_ == kNoPage && !grow()) return kNoPage;
  const Page page = free_;
  free_ = frames_[page].next_free;
  frames_[page].next_free = page;  // in use
  ++used_;
  return page;
}

void Pages::free(Page page) {
  frames_[page].next_free = free_;
  free_ = page;
  --used_;
}

// Four times what there is. Every step is dear: a JavaScript engine takes memory that grew for new memory, all of it, and
// collects garbage for each 64 MB. What is not used yet costs nothing, as it is not touched.
bool Pages::grow() {
  std::uint32_t count = std::min(std::max(3 * held_, 1U), most_ - held_);
  std::uint8_t* got = nullptr;
  for (; count > 0; count /= 2) {
    got = static_cast<std::uint8_t*>(std::malloc(std::size_t{count} * kPageSize));
    if (got != nullptr) break;
  }
  if (got == nullptr) {
    most_ = held_;  // the host will not be asked again
    return false;
  }
  frames_[held_].first = true;
  for (std::uint32_t i = count; i-- > 0;) {
    at_[held_ + i] = got + std::size_t{i} * kPageSize;
    frames_[held_ + i].next_free = free_;
    free_ = held_ + i;
  }
  held_ += count;
  return true;
}

bool Pages::valid() const {
  std::uint32_t unused = 0;
  for (Page page = free_; page != kNoPage; page = frames_[page].next_free) {
    if (page >= held_ || ++unused > held_) return false;
  }
  return held_ <= most_ && used_ + unused == held_;
}

}  // namespace reprise
