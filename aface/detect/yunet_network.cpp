#include "aface/detect/yunet_network.h"

#include <fmt/core.h>

#include <array>
#include <opencv2/dnn.hpp>
#include <opencv2/imgproc.hpp>

#include "aface/core/error.h"
#include "aface/core/one_line.h"
#include "aface/detect/yunet_outputs.h"

namespace aface {
namespace {

// Both layouts run on sides of this multiple without losing a border.
constexpr int kSideMultiple = 32;

const std::vector<cv::String> kPriorNames = {"loc", "conf", "iou"};
const std::vector<cv::String> kStrideNames = {"cls_8",  "cls_16",  "cls_32",  "obj_8", "obj_16", "obj_32",
                                              "bbox_8", "bbox_16", "bbox_32", "kps_8", "kps_16", "kps_32"};

Error no_yunet(const std::string& path, const std::string& why) {
  return Error(ErrorKind::kFormat,
               fmt::format("{}: {}; the detector is a YuNet network (face_detection_yunet_*.onnx of "
                           "github.com/opencv/opencv_zoo)",
                           path, why));
}

int rounded_up(int side) { return (side + kSideMultiple - 1) / kSideMultiple * kSideMultiple; }

cv::Mat padded_blob(const Image& picture) {
  const cv::Mat rgb(picture.height, picture.width, CV_8UC3, const_cast<std::uint8_t*>(picture.pixels.data()));
  const int more_rows = rounded_up(picture.height) - picture.height;
  const int more_columns = rounded_up(picture.width) - picture.width;
  cv::Mat padded = rgb;
  if (more_rows > 0 || more_columns > 0) {
    cv::copyMakeBorder(rgb, padded, 0, more_rows, 0, more_columns, cv::BORDER_CONSTANT, cv::Scalar::all(0));
  }
  constexpr double kScale = 1;
  constexpr bool kSwapToBgr = true;
  return cv::dnn::blobFromImage(padded, kScale, cv::Size(), cv::Scalar(), kSwapToBgr);
}

Span<const float> values_of(const cv::Mat& output) { return {output.ptr<float>(), output.total()}; }

std::string shape_of(const cv::Mat& output) {
  std::string text;
  for (int i = 0; i < output.dims; ++i) text += fmt::format("{}{}", i == 0 ? "" : " x ", output.size[i]);
  return text;
}

bool is_network_of(const std::vector<cv::String>& names, const cv::dnn::Net& network) {
  for (const cv::String& name : names) {
    if (network.getLayerId(name) < 0) return false;
  }
  return true;
}

}  // namespace

struct YunetNetwork::State {
  std::string path;
  cv::dnn::Net network;
  bool has_priors = false;

  const std::vector<cv::String>& names() const { return has_priors ? kPriorNames : kStrideNames; }

  std::vector<cv::Mat> forward(const cv::Mat& blob) {
    std::vector<cv::Mat> outputs;
    try {
      network.setInput(blob);
      network.forward(outputs, names());
    } catch (const cv::Exception& error) {
      throw no_yunet(path, fmt::format("OpenCV cannot run it on a picture of {} x {} ({})", blob.size[3],
                                       blob.size[2], one_line(error.err)));
    }
    return outputs;
  }

  void require_sizes(const std::vector<cv::Mat>& outputs, const std::vector<std::size_t>& sizes) const {
    for (std::size_t i = 0; i < outputs.size(); ++i) {
      if (outputs[i].total() == sizes[i] && outputs[i].type() == CV_32F && outputs[i].isContinuous())
        continue;
      throw no_yunet(path, fmt::format("output '{}' is {} (expected {} numbers)", names()[i],
                                       shape_of(outputs[i]), sizes[i]));
    }
  }

  std::vector<Face> faces_by_priors(const std::vector<cv::Mat>& outputs, int width, int height,
                                    double least_score) const {
    const auto priors = static_cast<std::size_t>(count_yunet_priors(width, height));
    require_sizes(outputs, {14 * priors, 2 * priors, priors});
    return faces_of(YunetPriorOutputs{values_of(outputs[0]), values_of(outputs[1]), values_of(outputs[2])},
                    width, height, least_score);
  }

  std::vector<Face> faces_by_strides(const std::vector<cv::Mat>& outputs, int width, int height,
                                     double least_score) const {
    constexpr std::array<std::size_t, 4> kValues = {1, 1, 4, 10};  // a square, in the order of the names
    const std::size_t strides = kYunetStrides.size();
    std::vector<std::size_t> sizes;
    for (const std::size_t values : kValues) {
      for (const int stride : kYunetStrides) {
        sizes.push_back(values * static_cast<std::size_t>(width / stride) *
                        static_cast<std::size_t>(height / stride));
      }
    }
    require_sizes(outputs, sizes);
    YunetStrideOutputs views;
    for (std::size_t s = 0; s < strides; ++s) {
      views.strides[s] = {values_of(outputs[s]), values_of(outputs[strides + s]),
                          values_of(outputs[2 * strides + s]), values_of(outputs[3 * strides + s])};
    }
    return faces_of(views, width, height, least_score);
  }
};

YunetNetwork::YunetNetwork(const std::vector<unsigned char>& onnx, std::string path)
    : state_(std::make_unique<State>()) {
  state_->path = std::move(path);
  if (onnx.empty()) throw no_yunet(state_->path, "the file is empty");
  try {
    state_->network = cv::dnn::readNetFromONNX(reinterpret_cast<const char*>(onnx.data()), onnx.size());
  } catch (const cv::Exception& error) {
    throw no_yunet(state_->path, fmt::format("OpenCV cannot read it as ONNX ({})", one_line(error.err)));
  }
  state_->has_priors = is_network_of(kPriorNames, state_->network);
  if (!state_->has_priors && !is_network_of(kStrideNames, state_->network)) {
    throw no_yunet(state_->path, "has neither the outputs loc, conf and iou nor cls_8 ... kps_32");
  }
  constexpr double kNoFace = 2;
  (void)run(Image(2 * kSideMultiple, 3 * kSideMultiple),
            kNoFace);  // wrong sizes show now, not at the first photo
}

YunetNetwork::~YunetNetwork() = default;

std::vector<Face> YunetNetwork::run(const Image& picture, double least_score) {
  const int width = rounded_up(picture.width), height = rounded_up(picture.height);
  const std::vector<cv::Mat> outputs = state_->forward(padded_blob(picture));
  return state_->has_priors ? state_->faces_by_priors(outputs, width, height, least_score)
                            : state_->faces_by_strides(outputs, width, height, least_score);
}

}  // namespace aface
