#include "aface/train/progress.h"

#include <fmt/core.h>

#include <algorithm>

#include "aface/core/error.h"

namespace aface {
namespace {

constexpr char kSavedInterval[] = "progress.interval";

}  // namespace

Progress::Progress(std::int64_t total_steps) : total_steps_(total_steps) {}

void Progress::add(const StepResult& result) {
  ++interval_.steps;
  interval_.images += result.images;
  interval_.loss += result.loss;
  interval_.accuracy += result.accuracy;
  interval_.own_cosine += result.own_cosine;
  interval_.gradient_norm += result.gradient_norm;
  interval_.active += static_cast<double>(result.active_classes);
  if (result.softmax_mass) {
    interval_.mass.all += result.softmax_mass->all;
    interval_.mass.wrong += result.softmax_mass->wrong;
    ++interval_.mass_count;
  }
  if (result.filter) {
    ++interval_.filtered_steps;
    interval_.skipped += result.filter->skipped;
    interval_.wrong += result.filter->wrong;
    interval_.in_full += static_cast<double>(result.filter->computed_in_full);
  }
  learning_rate_ = result.learning_rate;
  images_total_ += result.images;
  steps_total_ += 1;
  active_total_ += static_cast<double>(result.active_classes);
}

std::map<std::string, double> Progress::close_interval(double stall_seconds) {
  const double seconds = std::max(1e-9, std::chrono::duration<double>(Clock::now() - interval_.start).count());
  const double steps = static_cast<double>(std::max<std::int64_t>(1, interval_.steps));
  std::map<std::string, double> numbers = {
      {"loss", interval_.loss / steps},
      {"accuracy", interval_.accuracy / steps},
      {"own_cosine", interval_.own_cosine / steps},
      {"gradient_norm", interval_.gradient_norm / steps},
      {"active_classes", interval_.active / steps},
      {"learning_rate", learning_rate_},
      {"images_per_s", static_cast<double>(interval_.images) / seconds},
      {"stall_share", std::clamp((stall_seconds - stall_seconds_) / seconds, 0.0, 1.0)},
  };
  if (interval_.mass_count > 0) {
    numbers["softmax_mass"] = interval_.mass.all / static_cast<double>(interval_.mass_count);
    numbers["softmax_mass_wrong"] = interval_.mass.wrong / static_cast<double>(interval_.mass_count);
  }
  if (interval_.filtered_steps > 0) {
    numbers["filter_skipped"] = interval_.wrong > 0 ? interval_.skipped / interval_.wrong : 0;
    numbers["filter_in_full"] = interval_.in_full / static_cast<double>(interval_.filtered_steps);
  }
  stall_seconds_ = stall_seconds;
  interval_ = Interval();
  return numbers;
}

void Progress::save(NamedArrays& state) const {
  const Interval& i = interval_;
  state.put<double>(kSavedInterval, {static_cast<double>(i.steps), static_cast<double>(i.mass_count),
                                     static_cast<double>(i.filtered_steps), i.loss, i.accuracy, i.own_cosine,
                                     i.gradient_norm, i.active, i.mass.all, i.mass.wrong, i.skipped, i.wrong, i.in_full});
}

void Progress::restore(const NamedArrays& state, std::int64_t steps_done) {
  const auto saved = state.get<double>(kSavedInterval);
  if (saved.size() != 13) {
    throw Error(ErrorKind::kFormat, fmt::format("array '{}': expected 13 numbers, got {}; use an earlier checkpoint",
                                                kSavedInterval, saved.size()));
  }
  first_step_ = steps_done;
  Interval& i = interval_;
  i.steps = static_cast<std::int64_t>(saved[0]);
  i.mass_count = static_cast<std::int64_t>(saved[1]);
  i.filtered_steps = static_cast<std::int64_t>(saved[2]);
  std::size_t next = 3;
  for (double* sum : {&i.loss, &i.accuracy, &i.own_cosine, &i.gradient_norm, &i.active, &i.mass.all, &i.mass.wrong,
                      &i.skipped, &i.wrong, &i.in_full}) {
    *sum = saved[next++];
  }
}

std::string Progress::line(std::int64_t steps_done, const std::map<std::string, double>& numbers) const {
  const double per_step = seconds() / static_cast<double>(std::max<std::int64_t>(1, steps_done - first_step_));
  return fmt::format("step {}/{} loss {:.3f} acc {:.3f} lr {:.4f} classes {:.0f} {:.0f} img/s wait {:.0f}% eta {}",
                     steps_done, total_steps_, numbers.at("loss"), numbers.at("accuracy"),
                     numbers.at("learning_rate"), numbers.at("active_classes"), numbers.at("images_per_s"),
                     100 * numbers.at("stall_share"),
                     duration_text(per_step * static_cast<double>(total_steps_ - steps_done)));
}

double Progress::seconds() const { return std::chrono::duration<double>(Clock::now() - start_).count(); }

std::string duration_text(double seconds) {
  const auto whole = static_cast<std::int64_t>(seconds + 0.5);
  if (whole >= 3600) return fmt::format("{}h{:02d}m", whole / 3600, whole % 3600 / 60);
  if (whole >= 60) return fmt::format("{}m{:02d}s", whole / 60, whole % 60);
  return fmt::format("{}s", whole);
}

}  // namespace aface
