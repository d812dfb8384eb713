#include "aface/detect/yunet_outputs.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "aface/core/random.h"

namespace aface {
namespace {

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

struct PriorArrays {
  std::vector<float> loc, conf, iou;

  explicit PriorArrays(std::int64_t priors)
      : loc(static_cast<std::size_t>(priors) * 14),
        conf(static_cast<std::size_t>(priors) * 2),
        iou(static_cast<std::size_t>(priors)) {}
  YunetPriorOutputs view() const { return {loc, conf, iou}; }
};

struct StrideArrays {
  std::array<std::vector<float>, 3> cls, obj, box, kps;

  StrideArrays(int width, int height) {
    for (std::size_t s = 0; s < 3; ++s) {
      const auto squares = static_cast<std::size_t>((width / kYunetStrides[s]) * (height / kYunetStrides[s]));
      cls[s].resize(squares);
      obj[s].resize(squares);
      box[s].resize(4 * squares);
      kps[s].resize(10 * squares);
    }
  }
  YunetStrideOutputs view() const {
    YunetStrideOutputs views;
    for (std::size_t s = 0; s < 3; ++s) views.strides[s] = {cls[s], obj[s], box[s], kps[s]};
    return views;
  }
};

Face some_face(Random& random) {
  Face face;
  face.box = {random.uniform(-20, 300), random.uniform(-20, 200), random.uniform(5, 250),
              random.uniform(5, 250)};
  for (Point& p : face.landmarks) p = {random.uniform(0, 320), random.uniform(0, 256)};
  face.score = random.uniform(0.3, 1);
  return face;
}

void expect_near(const Face& found, const Face& wanted) {
  constexpr double kPixels = 1e-3;  // of floats of some hundred, divided by steps of 0.8 pixels
  EXPECT_NEAR(found.box.x, wanted.box.x, kPixels);
  EXPECT_NEAR(found.box.y, wanted.box.y, kPixels);
  EXPECT_NEAR(found.box.width, wanted.box.width, kPixels);
  EXPECT_NEAR(found.box.height, wanted.box.height, kPixels);
  for (std::size_t k = 0; k < 5; ++k) {
    EXPECT_NEAR(found.landmarks[k].x, wanted.landmarks[k].x, kPixels);
    EXPECT_NEAR(found.landmarks[k].y, wanted.landmarks[k].y, kPixels);
  }
  EXPECT_NEAR(found.score, wanted.score, 1e-6);
}

Point centre_of(const Box& box) { return {box.x + box.width / 2, box.y + box.height / 2}; }

TEST(YunetPriors, AreCountedByHand) {
  // 320 x 256: maps of 40 x 32, 20 x 16, 10 x 8 and 5 x 4 with 3, 2, 2 and 3 sizes.
  EXPECT_EQ(count_yunet_priors(320, 256), 40 * 32 * 3 + 20 * 16 * 2 + 10 * 8 * 2 + 5 * 4 * 3);
  EXPECT_EQ(count_yunet_priors(32, 32), 4 * 4 * 3 + 2 * 2 * 2 + 1 * 1 * 2 + 0);
  EXPECT_EQ(count_yunet_priors(0, 0), 0);
}

// What the network would have to say for a face, by the formulas turned round.
void put(PriorArrays& arrays, std::size_t prior, double cx, double cy, double side, const Face& face) {
  float* loc = &arrays.loc[14 * prior];
  const Point centre = centre_of(face.box);
  loc[0] = static_cast<float>((centre.x - cx) / (0.1 * side));
  loc[1] = static_cast<float>((centre.y - cy) / (0.1 * side));
  loc[2] = static_cast<float>(std::log(face.box.width / side) / 0.1);
  loc[3] = static_cast<float>(std::log(face.box.height / side) / 0.2);
  for (std::size_t k = 0; k < 5; ++k) {
    loc[4 + 2 * k] = static_cast<float>((face.landmarks[k].x - cx) / (0.1 * side));
    loc[5 + 2 * k] = static_cast<float>((face.landmarks[k].y - cy) / (0.1 * side));
  }
  arrays.conf[2 * prior] = 1;
  arrays.conf[2 * prior + 1] = static_cast<float>(face.score);
  arrays.iou[prior] = static_cast<float>(face.score);
}

TEST(YunetPriors, FacesComeBackFromTheInvertedFormulas) {
  const int width = 320, height = 256;
  PriorArrays arrays(count_yunet_priors(width, height));
  Random random(3);
  std::vector<Face> faces;
  // Row 3, column 5 of the first map, second size; row 7, column 19 of the last but one map ...: places by
  // hand.
  const auto add = [&](std::size_t prior, double cx, double cy, double side) {
    faces.push_back(some_face(random));
    put(arrays, prior, cx, cy, side, faces.back());
  };
  const std::size_t second = 40 * 32 * 3, third = second + 20 * 16 * 2, fourth = third + 10 * 8 * 2;
  add((3 * 40 + 5) * 3 + 1, 5.5 * 8, 3.5 * 8, 16);
  add(second + (15 * 20 + 19) * 2 + 1, 19.5 * 16, 15.5 * 16, 48);
  add(third + (7 * 10 + 0) * 2, 0.5 * 32, 7.5 * 32, 64);
  add(fourth + (2 * 5 + 4) * 3 + 2, 4.5 * 64, 2.5 * 64, 256);
  const std::vector<Face> found = faces_of(arrays.view(), width, height, 0.2);
  ASSERT_EQ(found.size(), 4u);
  for (std::size_t i = 0; i < 4; ++i) expect_near(found[i], faces[i]);
}

TEST(YunetStrides, FacesComeBackFromTheInvertedFormulas) {
  const int width = 320, height = 256;
  StrideArrays arrays(width, height);
  Random random(4);
  std::vector<Face> faces;
  const auto add = [&](std::size_t s, int row, int column) {
    const Face face = some_face(random);
    const double stride = kYunetStrides[s];
    const auto i = static_cast<std::size_t>(row * (width / kYunetStrides[s]) + column);
    const Point centre = centre_of(face.box);
    arrays.cls[s][i] = static_cast<float>(face.score * face.score);
    arrays.obj[s][i] = 1;
    arrays.box[s][4 * i] = static_cast<float>(centre.x / stride - column);
    arrays.box[s][4 * i + 1] = static_cast<float>(centre.y / stride - row);
    arrays.box[s][4 * i + 2] = static_cast<float>(std::log(face.box.width / stride));
    arrays.box[s][4 * i + 3] = static_cast<float>(std::log(face.box.height / stride));
    for (std::size_t k = 0; k < 5; ++k) {
      arrays.kps[s][10 * i + 2 * k] = static_cast<float>(face.landmarks[k].x / stride - column);
      arrays.kps[s][10 * i + 2 * k + 1] = static_cast<float>(face.landmarks[k].y / stride - row);
    }
    faces.push_back(face);
  };
  add(0, 0, 0);
  add(0, 31, 39);
  add(1, 3, 17);
  add(2, 7, 2);
  const std::vector<Face> found = faces_of(arrays.view(), width, height, 0.2);
  ASSERT_EQ(found.size(), 4u);
  for (std::size_t i = 0; i < 4; ++i) expect_near(found[i], faces[i]);
}

TEST(YunetOutputs, ScoresAreTheRootOfTheProductOfClampedValues) {
  StrideArrays arrays(32, 32);
  arrays.cls[2] = {1.7f};
  arrays.obj[2] = {0.25f};
  for (auto& value : arrays.kps[2]) value = 0;
  EXPECT_EQ(faces_of(arrays.view(), 32, 32, 0.51).size(), 0u);
  const auto found = faces_of(arrays.view(), 32, 32, 0.5);
  ASSERT_EQ(found.size(), 1u);
  EXPECT_DOUBLE_EQ(found[0].score, 0.5);
  EXPECT_DOUBLE_EQ(found[0].box.width, 32);

  PriorArrays priors(count_yunet_priors(32, 32));
  priors.conf[1] = -0.1f;
  priors.iou[0] = 1;
  EXPECT_EQ(faces_of(priors.view(), 32, 32, 0.01).size(), 0u);
}

TEST(YunetOutputs, WhatIsNotFiniteIsNoFace) {
  StrideArrays arrays(32, 32);
  for (int broken = 0; broken < 4; ++broken) {
    arrays.cls[2] = {1};
    arrays.obj[2] = {1};
    arrays.box[2].assign(4, 0);
    arrays.kps[2].assign(10, 0);
    ASSERT_EQ(faces_of(arrays.view(), 32, 32, 0.5).size(), 1u);
    if (broken == 0) arrays.cls[2][0] = kNan;
    if (broken == 1) arrays.obj[2][0] = kNan;
    if (broken == 2) arrays.box[2][2] = 1e6f;  // whose exponential is infinite
    if (broken == 3) arrays.kps[2][9] = kNan;
    EXPECT_EQ(faces_of(arrays.view(), 32, 32, 0.5).size(), 0u) << broken;
  }
}

}  // namespace
}  // namespace aface
