#include "apps/adaptiveface/detect_flags.h"

#include "aface/detect/face_choice.h"
#include "apps/adaptiveface/number_range.h"

namespace aface {

std::shared_ptr<DetectFlags> add_detect_flags(CLI::App& app) {
  auto flags = std::make_shared<DetectFlags>();
  CLI::Option* detector =
      app.add_option("--detector", flags->detector,
                     "YuNet network (.onnx) that finds the faces; it comes with OpenCV's model zoo "
                     "(github.com/opencv/opencv_zoo, models/face_detection_yunet), not with this program");
  const auto with_detector = [&](CLI::Option* option) { option->needs(detector)->capture_default_str(); };
  with_detector(app.add_option("--many", flags->many,
                               "photo with several faces: the largest, the one nearest to the middle, all of "
                               "them, or none (the photo is treated like one without a face)")
                    ->check(CLI::IsMember(many_faces_words())));
  with_detector(
      app.add_option("--none", flags->none,
                     "photo without a face: leave it out, warn and list it; stop; or take its middle "
                     "square for the face")
          ->check(CLI::IsMember({"skip", "fail", "centre-crop"})));
  with_detector(app.add_option("--min-score", flags->options.least_score, "least score of a face")
                    ->check(number_in(0.01, 1.0)));
  with_detector(app.add_option("--min-face", flags->options.smallest_face_px,
                               "faces narrower or lower than this in the photo, in pixels, are passed over")
                    ->check(number_in(0, 1e6)));
  with_detector(
      app.add_option("--largest-side", flags->options.largest_side_px,
                     "photos are reduced to this for the search, in pixels; 0: never, which takes time "
                     "in proportion and finds smaller faces")
          ->check(CLI::Range(0, 100000)));
  return flags;
}

PhotoEmbedderOptions embedder_options(const DetectFlags& flags) {
  PhotoEmbedderOptions options;
  options.detector = flags.detector;
  options.detect = flags.options;
  options.many = many_faces_from(flags.many);
  options.takes_middle_without_face = flags.none == "centre-crop";
  return options;
}

LeaveOutRule leave_out_rule(const DetectFlags& flags, const std::string& on_bad_image) {
  LeaveOutRule rule;
  rule.bad = on_bad_image == "skip";
  rule.faceless = flags.detector.empty() ? rule.bad : flags.none != "fail";
  return rule;
}

}  // namespace aface
