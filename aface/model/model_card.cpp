#include "aface/model/model_card.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "aface/core/error.h"
#include "aface/image/align.h"

namespace aface {
namespace {

// Holds every option against its description.
struct RangeCheck {
  template <class Number>
  void field(const char* name, const Number& value, const FieldInfo& info) {
    if (value >= info.min && value <= info.max) return;
    throw Error(ErrorKind::kUsage, fmt::format("backbone.{}: out of range (expected {} to {}, got {})", name,
                                               info.min, info.max, value));
  }
  void field(const char*, const std::string& value, const FieldInfo& info) {
    if (std::find(info.choices.begin(), info.choices.end(), value) != info.choices.end()) return;
    throw Error(ErrorKind::kUsage, fmt::format("unknown backbone '{}'; choose one of: {}", value,
                                               fmt::join(info.choices, ", ")));
  }
};

}  // namespace

ModelCard card_for(const BackboneOptions& network) {
  ModelCard card;
  card.network = network;
  card.alignment = chip_template(card.input_size());
  return card;
}

const FarThreshold& threshold_at(const ModelCard& card, double far) {
  constexpr double kSame = 1e-9;  // relative: 0.001 and 1e-3 are one target
  std::string known;
  for (const FarThreshold& row : card.calibration.thresholds) {
    if (std::abs(row.far - far) <= kSame * far) return row;
    known += fmt::format("{}{:g}", known.empty() ? "" : ", ", row.far);
  }
  if (known.empty()) {
    throw Error(ErrorKind::kUsage,
                "the model holds no thresholds; measure them with 'adaptiveface model calibrate', or "
                "give a threshold");
  }
  throw Error(
      ErrorKind::kUsage,
      fmt::format(
          "the model holds no threshold for FAR {:g}, but for {}; measure others with 'adaptiveface model "
          "calibrate --far', or give a threshold",
          far, known));
}

void check_options(const BackboneOptions& options) {
  RangeCheck check;
  BackboneOptions copy = options;
  describe(check, copy);
  if (options.input_size % 16 != 0) {
    throw Error(ErrorKind::kUsage,
                fmt::format("backbone.input_size: expected a multiple of 16, got {}; {} would fit",
                            options.input_size, (options.input_size + 15) / 16 * 16));
  }
}

const char* colour_name(ColourOrder colour) { return colour == ColourOrder::kRgb ? "RGB" : "BGR"; }

const char* flip_name(FlipRule flip) { return flip == FlipRule::kSum ? "sum" : "none"; }

}  // namespace aface
