#include "aface/onnx_export/opencv_network.h"

#include <fmt/core.h>

#include <algorithm>
#include <opencv2/core/utils/logger.hpp>
#include <opencv2/dnn.hpp>

#include "aface/core/error.h"
#include "aface/core/file.h"
#include "aface/core/one_line.h"
#include "aface/onnx_export/onnx_file.h"

namespace aface {
namespace {

// OpenCV prints what it also throws.
class Silence {
 public:
  Silence() : before_(cv::utils::logging::setLogLevel(cv::utils::logging::LOG_LEVEL_SILENT)) {}
  ~Silence() { cv::utils::logging::setLogLevel(before_); }
  Silence(const Silence&) = delete;
  Silence& operator=(const Silence&) = delete;

 private:
  cv::utils::logging::LogLevel before_;
};

[[noreturn]] void fail(const std::string& path, const std::string& what) {
  constexpr std::size_t kShown = 300;
  throw Error(ErrorKind::kFormat,
              fmt::format("{}: OpenCV's DNN cannot run it: {}", path, one_line(what, kShown)));
}

}  // namespace

struct OpenCvNetwork::Net {
  cv::dnn::Net net;
};

OpenCvNetwork::OpenCvNetwork(const std::string& path) : path_(path), net_(std::make_unique<Net>()) {
  if (!file_exists(path)) throw Error(ErrorKind::kIo, fmt::format("{}: no such file; check the path", path));
  const Silence silence;
  try {
    net_->net = cv::dnn::readNetFromONNX(path);
    net_->net.setPreferableBackend(cv::dnn::DNN_BACKEND_OPENCV);
    net_->net.setPreferableTarget(cv::dnn::DNN_TARGET_CPU);
  } catch (const cv::Exception& error) {
    fail(path, error.err);
  }
}

OpenCvNetwork::~OpenCvNetwork() = default;

void OpenCvNetwork::run(const float* chips, std::int64_t count, std::int64_t size, float* rows,
                        std::int64_t dim) {
  const int extents[] = {static_cast<int>(count), 3, static_cast<int>(size), static_cast<int>(size)};
  const Silence silence;
  cv::Mat out;
  try {
    // OpenCV's arrays know no const; the input is only read.
    net_->net.setInput(cv::Mat(4, extents, CV_32F, const_cast<float*>(chips)), kOnnxInput);
    out = net_->net.forward(kOnnxOutput);
  } catch (const cv::Exception& error) {
    fail(path_, error.err);
  }
  if (out.type() != CV_32F || !out.isContinuous() || static_cast<std::int64_t>(out.total()) != count * dim) {
    fail(path_, fmt::format("it gives {} numbers (expected {} x {})", out.total(), count, dim));
  }
  std::copy_n(out.ptr<float>(), count * dim, rows);
}

}  // namespace aface
