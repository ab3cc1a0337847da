#include "page_list.h"

#include <algorithm>
#include <cstdlib>

namespace reprise {

PageList::PageList(Pages& pages)
    : pages_(&pages),
      directory_(
          static_cast<Entry*>(std::calloc(std::max<std::size_t>(1, pages.most()), sizeof(Entry)))) {
}

PageList::~PageList() {
  shrink_to(0);
  std::free(directory_);
}

bool PageList::grow_to(std::size_t count) {
  const std::size_t before = size_;
  if (count > size_ && (count > pages_->most() || directory_ == nullptr)) return false;
  while (size_ < count) {
    const Page page = pages_->allocate();
    if (page == kNoPage) {
      shrink_to(before);
      return false;
    }
    directory_[size_++] = {pages_->at(page), page};
  }
  return true;
}

void PageList::shrink_to(std::size_t count) {
  while (size_ > count) pages_->free(directory_[--size_].page);
}

}  // namespace reprise
