#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>

namespace aface {

// So many pieces of work at a time; others wait.
class WorkSlots {
 public:
  explicit WorkSlots(int count) : free_(count) {}

  // Held from take() to its end; false when none became free in time.
  class Slot {
   public:
    Slot(WorkSlots* slots) : slots_(slots) {}
    Slot(Slot&& other) noexcept : slots_(other.slots_) { other.slots_ = nullptr; }
    ~Slot() {
      if (slots_ != nullptr) slots_->give_back();
    }
    explicit operator bool() const { return slots_ != nullptr; }

   private:
    WorkSlots* slots_;
  };

  Slot take(double seconds) {
    std::unique_lock<std::mutex> lock(mutex_);
    const bool got =
        one_is_free_.wait_for(lock, std::chrono::duration<double>(seconds), [&] { return free_ > 0; });
    if (got) --free_;
    return Slot(got ? this : nullptr);
  }

 private:
  void give_back() {
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      ++free_;
    }
    one_is_free_.notify_one();
  }

  std::mutex mutex_;
  std::condition_variable one_is_free_;
  int free_;
};

}  // namespace aface
