// What a Trainer does only when it is one of several ranks.
#include <ATen/Context.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/zeros.h>
#include <fmt/core.h>

#include <algorithm>
#include <cstring>
#include <nlohmann/json.hpp>

#include "aface/core/error.h"
#include "aface/core/parts.h"
#include "aface/train/trainer.h"

namespace aface {

void Trainer::check_ranks() const {
  const auto size = static_cast<std::int64_t>(ranks_->size());
  const auto require = [&](bool holds, const std::string& problem) {
    if (!holds) throw Error(ErrorKind::kUsage, fmt::format("on {} ranks {}", size, problem));
  };
  require(config_.train.batch_size >= 2 * size,
          fmt::format("train.batch_size, which all ranks share, must be at least {}, got {}", 2 * size,
                      config_.train.batch_size));
  require(dataset_.num_identities() >= size,
          fmt::format("there must be as many identities, got {}", dataset_.num_identities()));
}

BatchScope Trainer::scope() const {
  BatchScope scope;
  scope.parts = parts_;
  if (ranks_ == nullptr) return scope;
  if (config_.train.sync_batch_norm) scope.statistics = ranks_;
  scope.first_row = shard_of(config_.train.batch_size, ranks_->rank(), ranks_->size()).first;
  return scope;
}

std::vector<std::size_t> Trainer::part_begins(const std::vector<std::int64_t>& active) const {
  std::vector<std::size_t> begins;
  if (parts_ == 0) return begins;
  for (int part = 0; part < parts_; ++part) {
    const int of_all = (ranks_ == nullptr ? 0 : ranks_->rank() * parts_) + part;
    const std::int64_t first = shard_of(dataset_.num_identities(), of_all, kParts).first;
    begins.push_back(static_cast<std::size_t>(std::lower_bound(active.begin(), active.end(), first) - active.begin()));
  }
  return begins;
}

void Trainer::synchronise_network() {
  const at::NoGradGuard no_grad;
  for (const at::Tensor& parameter : backbone_->parameters()) ranks_->broadcast(parameter, "the network");
  for (const at::Tensor& buffer : backbone_->buffers()) ranks_->broadcast(buffer, "the network");
}

void Trainer::average_running_statistics() const {
  if (config_.train.sync_batch_norm) return;  // they are the same on all
  const at::NoGradGuard no_grad;
  for (const at::Tensor& buffer : backbone_->buffers()) {
    if (!buffer.is_floating_point()) continue;
    ranks_->start_sum(buffer, "the running statistics")->wait();
    buffer.div_(ranks_->size());
  }
}

double Trainer::sum_over_ranks(double value) const {
  ranks_->sum(Span<double>(&value, 1));
  return value;
}

std::optional<BadTensor> Trainer::first_of_ranks(std::optional<BadTensor> own) const {
  if (ranks_ == nullptr) return own;
  using Json = nlohmann::json;
  std::string text;
  if (own) {
    const Json said = {static_cast<std::int64_t>(own->place), own->is_photo, own->name, own->trouble};
    text = said.dump(-1, ' ', false, Json::error_handler_t::replace);
  }
  std::optional<BadTensor> first;
  for (const auto& bytes : ranks_->gather({reinterpret_cast<const unsigned char*>(text.data()), text.size()})) {
    if (bytes.empty()) continue;
    const Json said = Json::parse(bytes.begin(), bytes.end());
    const BadTensor theirs = {said[2], said[3], said[1], static_cast<BadTensor::Place>(said[0].get<std::int64_t>())};
    if (!first || theirs.place < first->place) first = theirs;
  }
  return first;
}

StepInput Trainer::input_of_all_ranks() const {
  const auto lists = [&](const std::vector<std::int64_t>& mine) {
    std::vector<std::vector<std::int64_t>> of_ranks;
    for (const auto& bytes :
         ranks_->gather({reinterpret_cast<const unsigned char*>(mine.data()), mine.size() * sizeof(mine[0])})) {
      of_ranks.emplace_back(bytes.size() / sizeof(mine[0]));
      std::memcpy(of_ranks.back().data(), bytes.data(), bytes.size());
    }
    return of_ranks;
  };
  StepInput all;
  for (const auto& samples : lists(current_.batch.sample_ids)) {
    all.batch.sample_ids.insert(all.batch.sample_ids.end(), samples.begin(), samples.end());
    all.pieces.push_back(static_cast<std::int64_t>(samples.size()));
  }
  for (const auto& active : lists(current_.active)) all.active.insert(all.active.end(), active.begin(), active.end());
  all.chips = current_.chips.to(at::kCPU).contiguous();
  const std::int64_t chip_bytes = static_cast<std::int64_t>(all.chips.nbytes()) / all.chips.size(0);
  if (ranks_->rank() == 0) {
    std::vector<std::int64_t> shape = all.chips.sizes().vec();
    shape[0] = all.batch.count();
    const at::Tensor together = at::empty(shape, all.chips.options());
    together.narrow(0, 0, all.chips.size(0)).copy_(all.chips);
    all.chips = together;
  }
  auto* bytes = static_cast<unsigned char*>(all.chips.data_ptr());
  std::int64_t first = all.pieces[0];
  for (int rank = 1; rank < ranks_->size(); ++rank) {
    const std::int64_t rows = all.pieces[static_cast<std::size_t>(rank)];
    ranks_->move(rank, 0, ranks_->rank() == 0 ? bytes + first * chip_bytes : bytes, rows * chip_bytes,
                 "the step that was given up");
    first += rows;
  }
  return all;
}

at::Tensor Trainer::all_margins() const {
  const at::Tensor own = head_->margins();
  if (ranks_ == nullptr || own.numel() == 0) return own;
  const auto bytes =
      ranks_->gather({reinterpret_cast<const unsigned char*>(own.data_ptr<float>()), own.nbytes()});
  at::Tensor all = at::empty({dataset_.num_identities()}, at::kFloat);
  auto* out = reinterpret_cast<unsigned char*>(all.data_ptr<float>());
  for (const auto& part : bytes) out = std::copy(part.begin(), part.end(), out);
  return all;
}

// What the parts report is of this rank's identities: means, or extremes, over all ranks. The sampler is the
// same on all.
void Trainer::join_numbers(std::map<std::string, double>& numbers) const {
  const auto has = [](const std::string& name, const char* part) {
    return name.find(part) != std::string::npos;
  };
  std::vector<std::string> names;
  std::vector<double> sums, highest;
  for (const auto& [name, value] : numbers) {
    if (name.rfind("sampler/", 0) == 0) continue;
    names.push_back(name);
    const bool lowest = has(name, "smallest"),
               extreme = lowest || has(name, "largest") || has(name, "max") || has(name, "stalest");
    const bool total = has(name, "_last_step");
    sums.push_back(extreme ? 0 : total ? value : value * static_cast<double>(shard_.count()));
    highest.push_back(extreme ? (lowest ? -value : value) : 0);
  }
  ranks_->sum(sums);
  ranks_->highest(highest);
  for (std::size_t i = 0; i < names.size(); ++i) {
    const std::string& name = names[i];
    double& value = numbers[name];
    if (has(name, "smallest")) {
      value = -highest[i];
    } else if (has(name, "largest") || has(name, "max") || has(name, "stalest")) {
      value = highest[i];
    } else {
      value = has(name, "_last_step") ? sums[i] : sums[i] / static_cast<double>(dataset_.num_identities());
    }
  }
}

}  // namespace aface
