// A growable array that says when there is no memory, instead of throwing or trapping: the core is compiled
// without exceptions, and a cache that cannot grow must go on with what it has.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <type_traits>
#include <utility>

namespace reprise {

template <class T>
class Array {
  static_assert(std::is_trivially_copyable_v<T>, "realloc moves the elements as bytes");

 public:
  Array() = default;
  Array(const Array&) = delete;
  Array& operator=(const Array&) = delete;
  Array(Array&& other) noexcept { swap(other); }
  Array& operator=(Array&& other) noexcept {
    swap(other);
    return *this;
  }
  ~Array() { std::free(data_); }

  // Makes the array `size` long; what is new is a copy of `fill`. False, and nothing changed, where memory
  // cannot be had.
  [[nodiscard]] bool resize(std::size_t size, const T& fill = T{}) {
    if (size > capacity_) {
      std::size_t wanted = capacity_ == 0 ? 16 : capacity_ + capacity_ / 2;
      if (wanted < size) wanted = size;
      if (wanted > SIZE_MAX / sizeof(T)) return false;
      void* grown = std::realloc(static_cast<void*>(data_), wanted * sizeof(T));
      if (grown == nullptr) return false;
      data_ = static_cast<T*>(grown);
      capacity_ = wanted;
    }
    for (std::size_t i = size_; i < size; ++i) data_[i] = fill;
    size_ = size;
    return true;
  }

  void clear() {
    std::free(data_);
    data_ = nullptr;
    size_ = capacity_ = 0;
  }

  [[nodiscard]] T& operator[](std::size_t at) { return data_[at]; }
  [[nodiscard]] const T& operator[](std::size_t at) const { return data_[at]; }
  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] std::size_t bytes() const { return capacity_ * sizeof(T); }

  void swap(Array& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    std::swap(capacity_, other.capacity_);
  }

 private:
  T* data_ = nullptr;
  std::size_t size_ = 0;
  std::size_t capacity_ = 0;
};

}  // namespace reprise
