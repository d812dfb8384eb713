#include <fmt/core.h>

#include <nlohmann/json.hpp>

#include "aface/core/available_memory.h"
#include "aface/train/plan.h"
#include "aface/train/progress.h"

namespace aface {

std::string plan_text(const RunPlan& plan) {
  std::string text;
  const auto add = [&text](const char* name, const std::string& value) {
    text += fmt::format("{:<12}{}\n", name, value);
  };
  add("data", fmt::format("{} images of {} identities, {} to {} each, median {}", plan.images,
                          plan.identities, plan.smallest, plan.largest, plan.median));
  add("length", fmt::format("{} steps of {}, {:.1f} batches an epoch, {:.1f} epochs", plan.steps,
                            plan.batch_size, plan.batches_per_epoch, plan.epochs));
  add("memory", fmt::format("network {} ({} parameters), optimiser {}, head {}, loader {}, sampler {}",
                            bytes_text(plan.network_bytes), plan.parameters, bytes_text(plan.optimizer_bytes),
                            bytes_text(plan.head_bytes), bytes_text(plan.loader_bytes),
                            bytes_text(plan.sampler_bytes)));
  if (plan.measured) {
    const RunPlan::Measured& m = *plan.measured;
    add("", fmt::format("in all {} with activations and libraries; {} free", bytes_text(m.peak_bytes),
                        bytes_text(plan.available_bytes)));
    add("speed", fmt::format("{:.0f} images/s over {} steps, {:.0f} % of the time waiting for photos",
                             m.images_per_s, m.steps, 100 * m.stall_share));
    add("time", fmt::format("{}{}", duration_text(3600 * m.hours),
                            m.validations > 0 ? fmt::format(", with {} validations of {}", m.validations,
                                                            duration_text(m.validation_seconds))
                                              : ""));
  } else {
    add("", fmt::format("in all {} and activations; {} free: not tried", bytes_text(plan.sum_bytes()),
                        bytes_text(plan.available_bytes)));
  }
  for (const std::string& warning : plan.warnings) add("warning", warning);
  return text;
}

std::string plan_json(const RunPlan& plan) {
  nlohmann::ordered_json json;
  json["data"] = {{"identities", plan.identities},      {"images", plan.images},
                  {"smallest_identity", plan.smallest}, {"median_identity", plan.median},
                  {"largest_identity", plan.largest},   {"identities_with_one_image", plan.with_one_image}};
  json["length"] = {{"steps", plan.steps},
                    {"batch_size", plan.batch_size},
                    {"batches_per_epoch", plan.batches_per_epoch},
                    {"epochs", plan.epochs}};
  json["memory_bytes"] = {{"network", plan.network_bytes}, {"optimizer", plan.optimizer_bytes},
                          {"head", plan.head_bytes},       {"loader", plan.loader_bytes},
                          {"sampler", plan.sampler_bytes}, {"available", plan.available_bytes}};
  if (plan.measured) {
    const RunPlan::Measured& m = *plan.measured;
    json["memory_bytes"]["peak"] = m.peak_bytes;
    json["measured"] = {{"steps", m.steps},
                        {"images_per_s", m.images_per_s},
                        {"stall_share", m.stall_share},
                        {"validation_seconds", m.validation_seconds},
                        {"validations", m.validations},
                        {"hours", m.hours}};
  }
  json["warnings"] = plan.warnings;
  return json.dump(2) + "\n";
}

}  // namespace aface
