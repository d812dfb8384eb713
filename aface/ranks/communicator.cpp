#include "aface/ranks/communicator.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/from_blob.h>
#include <ATen/ops/zeros.h>
#include <fmt/format.h>
#ifdef USE_C10D_NCCL
#include <torch/csrc/distributed/c10d/ProcessGroupNCCL.hpp>
#endif

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <cstring>
#include <future>
#include <thread>

#include "aface/core/check.h"
#include "aface/core/parts.h"
#include "aface/ranks/gloo_group.h"
#include "aface/ranks/meeting.h"

namespace aface {
namespace {

using Work = c10::intrusive_ptr<c10d::Work>;

std::string first_line(const std::string& text) { return text.substr(0, text.find('\n')); }

}  // namespace

struct Communicator::Parts {
  LaunchEnvironment environment;
  Meeting meeting;
  std::unique_ptr<Liveness> liveness;
  c10::intrusive_ptr<CollectiveGroup> gloo;
#ifdef USE_C10D_NCCL
  c10::intrusive_ptr<c10d::ProcessGroupNCCL> nccl;
#endif
  std::atomic<std::int64_t> bytes_sent{0};
  std::int64_t finished = 0;  // operations
  bool failed = false;

  double ranks() const { return static_cast<double>(environment.world_size); }
  void count(double bytes) { bytes_sent += static_cast<std::int64_t>(bytes); }

  // Calls run(group) with the group that tensors of this device go through.
  template <class Run>
  Work start(const at::Tensor& tensor, const char* operation, const char* what, const Run& run) {
    AFACE_CHECK(!failed, "{} of {} after a failure", operation, what);
    try {
#ifdef USE_C10D_NCCL
      if (tensor.is_cuda() && nccl) return run(*nccl);
#endif
      AFACE_CHECK(tensor.device().is_cpu(), "{} of {} on a device that no group of ranks works on", operation,
                  what);
      return run(*gloo);
    } catch (const Error&) {
      throw;
    } catch (const std::exception& error) {
      fail(operation, what, error.what());
    }
  }

  void finish(const Work& work, const char* operation, const char* what) {
    constexpr std::chrono::milliseconds kLook{500};
    ++finished;
    for (int looks = 0;; ++looks) {
      try {
        work->wait(kLook);
        if (looks > 0) liveness->waits_in(0);
        return;
      } catch (const std::exception& error) {
        if (work->isCompleted()) {
          // It may have been done between the end of the wait and now.
          if (work->isSuccess()) continue;
          fail(operation, what, error.what());
        }
      }
      liveness->waits_in(finished);
      if (const auto trouble = liveness->trouble()) fail(operation, what, "");
    }
  }

  // Whoever keeps the store stays until the others have read there what is the matter.
  void stay_for_readers() const {
    if (environment.rank == 0) std::this_thread::sleep_for(liveness->time_to_read());
  }

  [[noreturn]] void fail(const char* operation, const char* what, const std::string& cause) {
    failed = true;
    const std::optional<std::string> trouble = liveness->wait_for_trouble(liveness->patience());
    stay_for_readers();
    throw Error(
        ErrorKind::kIo,
        trouble
            ? fmt::format("{} (in the {} of {}); the last checkpoint is whole: start all ranks again with "
                          "--resume",
                          *trouble, operation, what)
            : fmt::format("the {} of {} among {} ranks broke off: {}", operation, what,
                          environment.world_size, first_line(cause)));
  }
};

Communicator::Communicator(const LaunchEnvironment& environment, const CommunicatorOptions& options)
    : parts_(std::make_unique<Parts>()) {
  Parts& parts = *parts_;
  parts.environment = environment;
  require_gloo();
  parts.meeting = meet(environment, own_address(environment), options.join_within);
  try {
    parts.liveness = std::make_unique<Liveness>(parts.meeting.open_board(environment), environment.rank,
                                                parts.meeting.names, parts.meeting.doors, parts.meeting.place, options.liveness);
    // Gloo's own attempt to connect all with all could not be ended.
    if (const auto trouble = parts.liveness->wait_for_all_doors(options.join_within)) {
      parts.stay_for_readers();
      throw Error(ErrorKind::kIo, *trouble);
    }
    parts.gloo = make_gloo_group(environment, parts.meeting);
#ifdef USE_C10D_NCCL
    if (options.cuda) {
      parts.nccl = c10::make_intrusive<c10d::ProcessGroupNCCL>(parts.meeting.store, environment.rank,
                                                               environment.world_size);
    }
#else
    if (options.cuda) {
      throw Error(ErrorKind::kUsage,
                  "train.device: this build of LibTorch has no NCCL, which several ranks with CUDA need; "
                  "use cpu or one rank");
    }
#endif
  } catch (const Error&) {
    throw;
  } catch (const std::exception& error) {
    throw Error(ErrorKind::kIo, fmt::format("ranks: rank {} cannot connect to the others: {}",
                                            environment.rank, first_line(error.what())));
  }
  barrier("the start");
}

Communicator::~Communicator() {
  Parts& parts = *parts_;
  if (!parts.failed && parts.gloo) {
    try {
      barrier("the end");  // rank 0 takes the store with it: not while others use it
    } catch (const Error&) {
    }
  }
  parts.liveness.reset();
  if (!parts.failed) {
    // Only now have all stopped looking at the store.
    if (parts.environment.rank == 0) std::this_thread::sleep_for(std::chrono::milliseconds(50));
    return;
  }
  // Ending a group waits for its operations, which may wait for a rank that is gone. Then it is left to the
  // end of the process.
  auto* gloo = new c10::intrusive_ptr<CollectiveGroup>(parts.gloo);
  auto* store = new c10::intrusive_ptr<c10d::Store>(parts.meeting.store);
  static_cast<void>(gloo);
  static_cast<void>(store);
}

int Communicator::rank() const { return parts_->environment.rank; }
int Communicator::size() const { return parts_->environment.world_size; }

int Communicator::local_rank() const {
  const auto& hosts = parts_->meeting.hosts;
  return static_cast<int>(
      std::count(hosts.begin(), hosts.begin() + rank(), hosts[static_cast<std::size_t>(rank())]));
}

int Communicator::local_size() const {
  const auto& hosts = parts_->meeting.hosts;
  return static_cast<int>(std::count(hosts.begin(), hosts.end(), hosts[static_cast<std::size_t>(rank())]));
}

namespace {

at::Tensor view_of(Span<double> values) {
  return at::from_blob(values.data(), {static_cast<std::int64_t>(values.size())}, at::kDouble);
}

// Two ranks add in one order only.
bool adds_in_pairs(int ranks) { return ranks > 2 && parts_of_rank(ranks) > 0; }

// Changes them.
at::Tensor sum_in_pairs(std::vector<at::Tensor>& tensors) {
  add_in_pairs(tensors, [](at::Tensor& to, const at::Tensor& from) { to.add_(from); });
  return tensors[0];
}

class PendingSum final : public Communicator::Pending {
 public:
  PendingSum(std::function<void()> finish) : finish_(std::move(finish)) {}
  void wait() override { finish_(); }

 private:
  std::function<void()> finish_;
};

}  // namespace

void Communicator::sum(Span<double> values) {
  const at::Tensor mine = view_of(values);
  if (!adds_in_pairs(size())) return start_sum(mine, "numbers of the step")->wait();
  std::vector<at::Tensor> all = gather_rows(mine.unsqueeze(0), "numbers of the step").unbind(0);
  mine.copy_(sum_in_pairs(all));
}

void Communicator::highest(Span<double> values) {
  std::vector<at::Tensor> tensors = {view_of(values)};
  const char *operation = "maximum", *what = "numbers of the step";
  c10d::AllreduceOptions options;
  options.reduceOp = c10d::ReduceOp::MAX;
  const Work work = parts_->start(tensors[0], operation, what,
                                  [&](auto& group) { return group.allreduce(tensors, options); });
  parts_->finish(work, operation, what);
  parts_->count(2 * (parts_->ranks() - 1) / parts_->ranks() * static_cast<double>(tensors[0].nbytes()));
}

std::unique_ptr<Communicator::Pending> Communicator::start_sum(const at::Tensor& tensor, const char* what,
                                                               Adding adding) {
  const char* operation = "sum";
  if (adding == Adding::kInPairs && adds_in_pairs(size())) {
    // Every rank gets one part of all, adds, and shares what it got.
    const std::int64_t length = (tensor.numel() + size() - 1) / size();
    at::Tensor given = at::zeros({size(), length}, tensor.options()), taken = at::empty_like(given);
    given.view({-1}).narrow(0, 0, tensor.numel()).copy_(tensor.view({-1}));
    std::vector<std::int64_t> equal;
    const Work work = parts_->start(tensor, operation, what,
                                    [&](auto& group) { return group.alltoall_base(taken, given, equal, equal); });
    parts_->count((parts_->ranks() - 1) / parts_->ranks() * static_cast<double>(given.nbytes()));
    return std::make_unique<PendingSum>([this, work, operation, what, tensor, given, taken] {
      parts_->finish(work, operation, what);
      std::vector<at::Tensor> of_ranks = taken.unbind(0);
      const at::Tensor all = gather_rows(sum_in_pairs(of_ranks), what);
      tensor.view({-1}).copy_(all.narrow(0, 0, tensor.numel()));
    });
  }
  std::vector<at::Tensor> tensors = {tensor};
  const Work work =
      parts_->start(tensor, operation, what, [&](auto& group) { return group.allreduce(tensors); });
  parts_->count(2 * (parts_->ranks() - 1) / parts_->ranks() * static_cast<double>(tensor.nbytes()));
  return std::make_unique<PendingSum>(
      [this, work, operation, what, tensor] { parts_->finish(work, operation, what); });
}

at::Tensor Communicator::gather_rows(const at::Tensor& rows, const char* what) {
  std::vector<std::int64_t> shape = rows.sizes().vec();
  shape[0] *= size();
  const at::Tensor all = at::empty(shape, rows.options());
  std::vector<at::Tensor> inputs = {rows.contiguous()};
  std::vector<std::vector<at::Tensor>> outputs = {all.chunk(size(), 0)};
  const char* operation = "gathering";
  const Work work =
      parts_->start(rows, operation, what, [&](auto& group) { return group.allgather(outputs, inputs); });
  parts_->finish(work, operation, what);
  parts_->count((parts_->ranks() - 1) * static_cast<double>(rows.nbytes()));
  return all;
}

at::Tensor Communicator::sum_and_scatter_rows(const at::Tensor& rows, const char* what) {
  AFACE_CHECK(rows.size(0) % size() == 0, "{} rows for {} ranks", rows.size(0), size());
  at::Tensor mine = rows.contiguous(), theirs = at::empty_like(mine);
  std::vector<std::int64_t> equal;
  const char* operation = "summing up";
  const Work work = parts_->start(
      rows, operation, what, [&](auto& group) { return group.alltoall_base(theirs, mine, equal, equal); });
  parts_->finish(work, operation, what);
  parts_->count((parts_->ranks() - 1) / parts_->ranks() * static_cast<double>(rows.nbytes()));
  std::vector<at::Tensor> of_ranks = theirs.chunk(size(), 0);
  return sum_in_pairs(of_ranks).clone();
}

void Communicator::broadcast(const at::Tensor& tensor, const char* what) {
  std::vector<at::Tensor> tensors = {tensor};
  const char* operation = "broadcast";
  const Work work =
      parts_->start(tensor, operation, what, [&](auto& group) { return group.broadcast(tensors); });
  parts_->finish(work, operation, what);
  parts_->count((parts_->ranks() - 1) / parts_->ranks() *
                static_cast<double>(tensor.nbytes()));  // on average
}

void Communicator::barrier(const char* what) { start_sum(at::zeros({1}, at::kDouble), what)->wait(); }

std::vector<std::vector<unsigned char>> Communicator::gather(Span<const unsigned char> bytes) {
  at::Tensor length = at::empty({1}, at::kLong);
  *length.data_ptr<std::int64_t>() = static_cast<std::int64_t>(bytes.size());
  const at::Tensor lengths = gather_rows(length, "lengths");
  const std::int64_t* of_rank = lengths.data_ptr<std::int64_t>();
  const std::int64_t longest = *std::max_element(of_rank, of_rank + size());
  std::vector<std::vector<unsigned char>> result(static_cast<std::size_t>(size()));
  if (longest == 0) return result;
  const at::Tensor padded = at::zeros({longest}, at::kByte);
  std::copy(bytes.begin(), bytes.end(), padded.data_ptr<std::uint8_t>());
  const at::Tensor all = gather_rows(padded, "lists");
  for (int rank = 0; rank < size(); ++rank) {
    const std::uint8_t* begin = all.data_ptr<std::uint8_t>() + rank * longest;
    result[static_cast<std::size_t>(rank)].assign(begin, begin + of_rank[rank]);
  }
  return result;
}

void Communicator::move(int from, int to, unsigned char* data, std::int64_t count, const char* what) {
  const bool gives = rank() == from, takes = rank() == to;
  at::Tensor given = gives ? at::from_blob(data, {count}, at::kByte) : at::empty({0}, at::kByte);
  at::Tensor taken = takes ? at::from_blob(data, {count}, at::kByte) : at::empty({0}, at::kByte);
  std::vector<std::int64_t> out(static_cast<std::size_t>(size())), in(static_cast<std::size_t>(size()));
  if (gives) in[static_cast<std::size_t>(to)] = count;
  if (takes) out[static_cast<std::size_t>(from)] = count;
  const char* operation = "sending";
  const Work work = parts_->start(given, operation, what,
                                  [&](auto& group) { return group.alltoall_base(taken, given, out, in); });
  parts_->finish(work, operation, what);
  if (gives) parts_->count(static_cast<double>(count));
}

std::int64_t Communicator::bytes_sent() const { return parts_->bytes_sent; }
bool Communicator::has_failed() const { return parts_->failed; }

void Communicator::report_failure(const std::string& message) {
  if (parts_->failed) return;
  parts_->failed = true;
  parts_->liveness->report_failure(message);
}

}  // namespace aface
