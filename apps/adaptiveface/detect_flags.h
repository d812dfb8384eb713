#pragma once

#include <CLI/CLI.hpp>
#include <memory>
#include <string>

#include "aface/detect/face_detector.h"
#include "aface/detect/left_out.h"
#include "aface/recognise/photo_embedder.h"

namespace aface {

// How faces are found in photos, for every command that takes photos.
struct DetectFlags {
  std::string detector;  // --detector: the file of the network; empty: photos are aligned chips already
  std::string many = "largest";
  std::string none = "skip";
  DetectorOptions options;
};

// Declares --detector, --many, --none, --min-score, --min-face and --largest-side on `app`.
std::shared_ptr<DetectFlags> add_detect_flags(CLI::App& app);

PhotoEmbedderOptions embedder_options(const DetectFlags& flags);

// With the word of --on-bad-image. Without a detector a photo that gives no chip is a bad one.
LeaveOutRule leave_out_rule(const DetectFlags& flags, const std::string& on_bad_image);

}  // namespace aface
