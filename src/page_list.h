// Pages in a row, as an array is made of them: the directory that says where each is. It is taken at once for as many pages
// as there will ever be, so that growing copies nothing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>

#include "pages.h"

namespace reprise {

class PageList {
 public:
  explicit PageList(Pages& pages);
  PageList(const PageList&) = delete;
  PageList& operator=(const PageList&) = delete;
  ~PageList();

  // False, and nothing changed, where there is no page.
  [[nodiscard]] bool grow_to(std::size_t count);
  void shrink_to(std::size_t count);

  [[nodiscard]] std::uint8_t* at(std::size_t i) const { return directory_[i].at; }
  [[nodiscard]] std::size_t size() const { return size_; }

  // Both are of the same pool.
  void swap(PageList& other) noexcept {
    std::swap(directory_, other.directory_);
    std::swap(size_, other.size_);
  }

 private:
  struct Entry {
    std::uint8_t* at;
    Page page;
  };

  Pages* pages_;
  Entry* directory_;
  std::size_t size_ = 0;
};

}  // namespace reprise
