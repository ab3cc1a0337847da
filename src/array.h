// A growable array made of pages: element i lies in page i / kPerPage. Growing copies nothing, and where there is no
// page it says so, instead of throwing or trapping: a cache that cannot grow must go on with what it has.
#pragma once

#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <utility>

#include "page_list.h"

namespace reprise {

template <class T>
class Array {
  static_assert(std::is_trivially_copyable_v<T>, "elements begin to live by being copied");
  static_assert(alignof(T) <= 8, "pages begin where malloc says");

 public:
  static constexpr std::size_t kPerPage = kPageSize / sizeof(T);

  explicit Array(Pages& pages) : pages_(pages) {}

  // Makes the array `size` long; what is new is a copy of `fill`. False, and nothing changed, where there
  // is no page. A shorter array gives pages back.
  [[nodiscard]] bool resize(std::size_t size, const T& fill = T{}) {
    const std::size_t wanted = size / kPerPage + (size % kPerPage == 0 ? 0 : 1);
    if (!pages_.grow_to(wanted)) return false;
    for (std::size_t i = size_; i < size; ++i) (*this)[i] = fill;
    size_ = size;
    pages_.shrink_to(wanted);
    return true;
  }

  void clear() {
    size_ = 0;
    pages_.shrink_to(0);
  }

  [[nodiscard]] T& operator[](std::size_t i) { return page(i)[i % kPerPage]; }
  [[nodiscard]] const T& operator[](std::size_t i) const { return page(i)[i % kPerPage]; }
  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] std::size_t bytes() const { return pages_.size() * kPageSize; }

  // Both are of the same pool.
  void swap(Array& other) noexcept {
    pages_.swap(other.pages_);
    std::swap(size_, other.size_);
  }

 private:
  [[nodiscard]] T* page(std::size_t i) const {
    return reinterpret_cast<T*>(pages_.at(i / kPerPage));
  }

  PageList pages_;
  std::size_t size_ = 0;
};

}  // namespace reprise
