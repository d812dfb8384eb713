#pragma once

#include <algorithm>
#include <condition_variable>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "aface/core/across_ranks.h"
#include "aface/core/parts.h"

namespace aface::test {

// Ranks that are threads of this process: for what talks to the others through AcrossRanks alone.
class ThreadRanks {
 public:
  // Runs `work` once for each rank, at the same time, and rethrows the first exception.
  static void run(int size, const std::function<void(AcrossRanks&)>& work) {
    Table table(size);
    std::vector<std::exception_ptr> errors(static_cast<std::size_t>(size));
    std::vector<std::thread> threads;
    for (int rank = 0; rank < size; ++rank) {
      threads.emplace_back([&, rank] {
        try {
          One one(table, rank);
          work(one);
        } catch (...) {
          errors[static_cast<std::size_t>(rank)] = std::current_exception();
          table.leave();
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
    for (const std::exception_ptr& error : errors) {
      if (error) std::rethrow_exception(error);
    }
  }

 private:
  using Bytes = std::vector<unsigned char>;

  class Table {
   public:
    explicit Table(int size) : size(size), given_(static_cast<std::size_t>(size)) {}

    std::vector<Bytes> exchange(int rank, Bytes bytes) {
      std::unique_lock<std::mutex> lock(mutex_);
      given_[static_cast<std::size_t>(rank)] = std::move(bytes);
      const int round = round_;
      if (++arrived_ == size) {
        taken_ = given_;
        arrived_ = 0;
        ++round_;
        all_here_.notify_all();
      } else {
        all_here_.wait(lock, [&] { return round_ != round || left_; });
      }
      if (left_) throw std::runtime_error("another rank has left");
      return taken_;
    }
    void leave() {
      const std::lock_guard<std::mutex> lock(mutex_);
      left_ = true;
      all_here_.notify_all();
    }

    const int size;

   private:
    std::mutex mutex_;
    std::condition_variable all_here_;
    std::vector<Bytes> given_, taken_;
    int arrived_ = 0, round_ = 0;
    bool left_ = false;
  };

  class One final : public AcrossRanks {
   public:
    One(Table& table, int rank) : table_(table), rank_(rank) {}

    int rank() const override { return rank_; }
    int size() const override { return table_.size; }
    void sum(Span<double> values) override {
      join(values, [](double a, double b) { return a + b; });
    }
    void highest(Span<double> values) override {
      join(values, [](double a, double b) { return std::max(a, b); });
    }
    std::vector<Bytes> gather(Span<const unsigned char> bytes) override {
      return table_.exchange(rank_, Bytes(bytes.begin(), bytes.end()));
    }

   private:
    template <class Join>
    void join(Span<double> values, const Join& join) {
      const auto* begin = reinterpret_cast<const unsigned char*>(values.data());
      const auto all = table_.exchange(rank_, Bytes(begin, begin + values.size() * sizeof(double)));
      for (std::size_t i = 0; i < values.size(); ++i) {
        std::vector<double> of_ranks;
        for (const Bytes& bytes : all) of_ranks.push_back(reinterpret_cast<const double*>(bytes.data())[i]);
        add_in_pairs(of_ranks, [&](double& to, double from) { to = join(to, from); });
        values[i] = of_ranks[0];
      }
    }

    Table& table_;
    int rank_;
  };
};

}  // namespace aface::test
