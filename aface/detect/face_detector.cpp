#include "aface/detect/face_detector.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <mutex>
#include <opencv2/core/utils/logger.hpp>
#include <string_view>
#include <utility>

#include "aface/core/error.h"
#include "aface/core/file.h"
#include "aface/detect/overlap.h"
#include "aface/detect/yunet_network.h"
#include "aface/image/resample.h"

namespace aface {
namespace {

// Pictures up to this side are looked at once: a face that fills one is still found.
constexpr int kOneLookPx = 480;
constexpr int kSecondLook = 4;  // times smaller than the first

void check_options(const DetectorOptions& options) {
  const auto refuse = [](const std::string& what) { throw Error(ErrorKind::kUsage, "detector: " + what); };
  if (!(options.least_score > 0 && options.least_score <= 1))
    refuse(fmt::format("least score {} (expected more than 0, at most 1)", options.least_score));
  if (!(options.most_overlap > 0 && options.most_overlap <= 1))
    refuse(fmt::format("most overlap {} (expected more than 0, at most 1)", options.most_overlap));
  if (options.largest_side_px != 0 && options.largest_side_px < 64)
    refuse(fmt::format("largest side {} (expected 64 or more, or 0 for any)", options.largest_side_px));
  if (!(options.smallest_face_px >= 0))
    refuse(fmt::format("smallest face {} (expected 0 or more)", options.smallest_face_px));
}

std::vector<unsigned char> read_network(const std::string& path) {
  if (!file_exists(path)) {
    throw Error(
        ErrorKind::kIo,
        fmt::format("{}: no such file; we ship no face detector, take face_detection_yunet_2023mar.onnx of "
                    "github.com/opencv/opencv_zoo (models/face_detection_yunet)",
                    path));
  }
  std::vector<unsigned char> bytes = read_binary_file(path);
  constexpr std::string_view kPointer = "version https://git-lfs";
  if (std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size())
          .substr(0, kPointer.size()) == kPointer) {
    throw Error(
        ErrorKind::kFormat,
        path +
            ": is a pointer of Git LFS, not the network itself; download the file by its \"raw\" link or "
            "run 'git lfs pull'");
  }
  return bytes;
}

// OpenCV writes what it thinks of a file to stderr, beside throwing it.
class QuietOpenCv {
 public:
  QuietOpenCv() : level_(cv::utils::logging::setLogLevel(cv::utils::logging::LOG_LEVEL_SILENT)) {}
  QuietOpenCv(const QuietOpenCv&) = delete;
  QuietOpenCv& operator=(const QuietOpenCv&) = delete;
  ~QuietOpenCv() { cv::utils::logging::setLogLevel(level_); }

 private:
  cv::utils::logging::LogLevel level_;
};

void scale(Face& face, double x, double y) {
  face.box = {face.box.x * x, face.box.y * y, face.box.width * x, face.box.height * y};
  for (Point& p : face.landmarks) p = {p.x * x, p.y * y};
}

// Faces of the photo reduced to `side_px`, in its own pixels; it is never enlarged.
std::vector<Face> look_at(const Image& photo, int side_px, YunetNetwork& network, double least_score) {
  const int side = std::max(photo.width, photo.height);
  if (side <= side_px) return network.run(photo, least_score);
  const double reduction = static_cast<double>(side_px) / side;
  const auto reduced = [&](int length) {
    return std::max(1, static_cast<int>(std::lround(length * reduction)));
  };
  const int width = reduced(photo.width), height = reduced(photo.height);
  std::vector<Face> faces = network.run(resize(photo, width, height), least_score);
  for (Face& face : faces)
    scale(face, static_cast<double>(photo.width) / width, static_cast<double>(photo.height) / height);
  return faces;
}

}  // namespace

struct FaceDetector::State {
  DetectorOptions options;
  std::string path;
  std::vector<unsigned char> onnx;
  std::mutex mutex;
  std::vector<std::unique_ptr<YunetNetwork>> idle;

  std::unique_ptr<YunetNetwork> take() {
    {
      const std::lock_guard<std::mutex> lock(mutex);
      if (!idle.empty()) {
        auto network = std::move(idle.back());
        idle.pop_back();
        return network;
      }
    }
    return std::make_unique<YunetNetwork>(onnx, path);
  }
  void put_back(std::unique_ptr<YunetNetwork> network) {
    const std::lock_guard<std::mutex> lock(mutex);
    idle.push_back(std::move(network));
  }
};

FaceDetector::FaceDetector(const std::string& onnx_path, const DetectorOptions& options)
    : state_(std::make_unique<State>()) {
  check_options(options);
  state_->options = options;
  state_->path = onnx_path;
  state_->onnx = read_network(onnx_path);
  const QuietOpenCv quiet;
  state_->put_back(state_->take());
}

FaceDetector::~FaceDetector() = default;
FaceDetector::FaceDetector(FaceDetector&&) noexcept = default;
FaceDetector& FaceDetector::operator=(FaceDetector&&) noexcept = default;

std::vector<Face> FaceDetector::detect(const Image& photo) const {
  if (photo.width <= 0 || photo.height <= 0) return {};
  const DetectorOptions& options = state_->options;
  const int side = std::max(photo.width, photo.height);
  const int first_look = options.largest_side_px == 0 ? side : std::min(side, options.largest_side_px);
  std::unique_ptr<YunetNetwork> network = state_->take();
  std::vector<Face> faces = look_at(photo, first_look, *network, options.least_score);
  if (first_look > kOneLookPx) {
    const int second_look = std::min(kOneLookPx, first_look / kSecondLook);
    const std::vector<Face> more = look_at(photo, second_look, *network, options.least_score);
    faces.insert(faces.end(), more.begin(), more.end());
  }
  state_->put_back(std::move(network));
  faces = without_repeats(std::move(faces), options.most_overlap);
  const double least = options.smallest_face_px;
  faces.erase(
      std::remove_if(faces.begin(), faces.end(),
                     [&](const Face& face) { return std::min(face.box.width, face.box.height) < least; }),
      faces.end());
  return faces;
}

const DetectorOptions& FaceDetector::options() const { return state_->options; }

}  // namespace aface
