// A growable array made of pages: element i lies in page i / kPerPage. Growing copies nothing, and where there is no
// page it says so, instead of throwing or trapping: a cache that cannot grow must go on with what it has.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <type_traits>
#include <utility>

#include "pages.h"

namespace reprise {

template <class T>
class Array {
  static_assert(std::is_trivially_copyable_v<T>, "elements begin to live by being copied");
  static_assert(alignof(T) <= 8, "pages begin where malloc says");

 public:
  static constexpr std::size_t kPerPage = kPageSize / sizeof(T);

  explicit Array(Pages& pages)
      : pages_(&pages),
        most_(pages.most()),
        directory_(static_cast<Entry*>(std::calloc(most_ == 0 ? 1 : most_, sizeof(Entry)))) {}
  Array(const Array&) = delete;
  Array& operator=(const Array&) = delete;
  ~Array() {
    clear();
    std::free(directory_);
  }

  // Makes the array `size` long; what is new is a copy of `fill`. False, and nothing changed, where there
  // is no page. A shorter array gives pages back.
  [[nodiscard]] bool resize(std::size_t size, const T& fill = T{}) {
    if (directory_ == nullptr || size > most_ * kPerPage) return size <= size_;
    const std::size_t wanted = (size + kPerPage - 1) / kPerPage;
    const std::size_t before = count_;
    while (count_ < wanted) {
      const Page page = pages_->allocate();
      if (page == kNoPage) {
        shrink_to(before);
        return false;
      }
      directory_[count_++] = {reinterpret_cast<T*>(pages_->at(page)), page};
    }
    for (; size_ < size; ++size_) (*this)[size_] = fill;
    size_ = size;
    shrink_to(wanted);
    return true;
  }

  void clear() {
    size_ = 0;
    shrink_to(0);
  }

  [[nodiscard]] T& operator[](std::size_t i) { return directory_[i / kPerPage].at[i % kPerPage]; }
  [[nodiscard]] const T& operator[](std::size_t i) const {
    return directory_[i / kPerPage].at[i % kPerPage];
  }
  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] std::size_t bytes() const { return count_ * kPageSize; }

  // Both are of the same pool.
  void swap(Array& other) noexcept {
    std::swap(directory_, other.directory_);
    std::swap(size_, other.size_);
    std::swap(count_, other.count_);
  }

 private:
  struct Entry {
    T* at;
    Page page;
  };

  void shrink_to(std::size_t count) {
    while (count_ > count) pages_->free(directory_[--count_].page);
  }

  Pages* pages_;
  std::size_t most_;  // pages in the directory
  Entry* directory_;
  std::size_t size_ = 0;
  std::size_t count_ = 0;  // pages
};

}  // namespace reprise
