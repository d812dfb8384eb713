#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "aface/core/span.h"
#include "aface/detect/face.h"

namespace aface {

// What the YuNet networks put out for one picture of width x height pixels, and how it becomes faces. Arrays
// are row-major views. All faces whose score is at least `least_score` come back, those of one face among
// them, in the order of the arrays; boxes and landmarks in pixels of that picture. A value that is not finite
// makes no face.

// The layout of 2022 (three outputs), which looks for faces around boxes of fixed sizes ("priors"): at each
// place of four maps, of steps 8, 16, 32 and 64 pixels, for three or two sizes each. For a prior with centre
// (cx, cy) and side m:
//   score = sqrt(conf[1] * iou)
//   centre = (cx + 0.1 m loc[0], cy + 0.1 m loc[1]);  width = m exp(0.1 loc[2]);  height = m exp(0.2 loc[3])
//   landmark k = (cx + 0.1 m loc[4 + 2k], cy + 0.1 m loc[5 + 2k])
// (the box's width by 0.1 and its height by 0.2, as OpenCV's FaceDetectorYN of that time has it).
struct YunetPriorOutputs {
  Span<const float> loc;   // [priors, 14]
  Span<const float> conf;  // [priors, 2]: no face, face
  Span<const float> iou;   // [priors]
};
std::int64_t count_yunet_priors(int width, int height);
std::vector<Face> faces_of(const YunetPriorOutputs& outputs, int width, int height, double least_score);

// The layout of 2023 (four outputs for each of the strides s = 8, 16 and 32), one candidate for each square
// of s x s pixels. Width and height are multiples of 32. For column c and row r:
//   score = sqrt(cls * obj)
//   centre = ((c + box[0]) s, (r + box[1]) s);  width = s exp(box[2]);  height = s exp(box[3])
//   landmark k = ((c + kps[2k]) s, (r + kps[2k + 1]) s)
struct YunetStrideOutputs {
  struct Stride {
    Span<const float> cls;  // [squares]
    Span<const float> obj;  // [squares]
    Span<const float> box;  // [squares, 4]
    Span<const float> kps;  // [squares, 10]
  };
  std::array<Stride, 3> strides;
};
constexpr std::array<int, 3> kYunetStrides = {8, 16, 32};
std::vector<Face> faces_of(const YunetStrideOutputs& outputs, int width, int height, double least_score);

}  // namespace aface
