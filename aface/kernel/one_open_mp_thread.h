#pragma once

#include <omp.h>

namespace aface {

// While alive, the calling thread's parallel regions have one thread: oneDNN asks OpenMP how many to use, and we split
// the work ourselves.
class OneOpenMpThread {
 public:
  OneOpenMpThread() : before_(omp_get_max_threads()) { omp_set_num_threads(1); }
  ~OneOpenMpThread() { omp_set_num_threads(before_); }
  OneOpenMpThread(const OneOpenMpThread&) = delete;
  OneOpenMpThread& operator=(const OneOpenMpThread&) = delete;

 private:
  int before_;
};

}  // namespace aface
