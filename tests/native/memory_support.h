// For tests of what happens when memory cannot be had. The programs of the tests are linked so that malloc and realloc of
// the core come by here (cmake/Tests.cmake).
#pragma once

namespace reprise {

// While one of these lives there is no memory. Catch2 needs some, so what is checked is noted first.
struct NoMemory {
  NoMemory();
  ~NoMemory();
  NoMemory(const NoMemory&) = delete;
  NoMemory& operator=(const NoMemory&) = delete;
};

}  // namespace reprise
