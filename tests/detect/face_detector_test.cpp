#include "aface/detect/face_detector.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <opencv2/core.hpp>
#include <opencv2/objdetect.hpp>
#include <thread>

#include "aface/core/random.h"
#include "aface/detect/yunet_outputs.h"
#include "tests/detect/made_onnx.h"
#include "tests/support/expect_error.h"
#include "tests/support/temp_dir.h"

namespace aface {
namespace {

using test::MadeOutput;
using testing::HasSubstr;

constexpr int kWidth = 64, kHeight = 96;  // what made networks answer for
constexpr double kAll = 1;                // no face is a repeat of another

std::vector<float> drawn(std::size_t count, double low, double high, Random& random) {
  std::vector<float> values(count);
  for (float& value : values) value = static_cast<float>(random.uniform(low, high));
  return values;
}

// Answers that depend on the picture: on the mean of its blue pixels, which come first.
MadeOutput drawn_output(const std::string& name, std::int64_t columns, std::size_t rows, double low,
                        double high, Random& random) {
  const std::size_t count = rows * static_cast<std::size_t>(columns);
  return {name, columns, drawn(count, low, high, random), drawn(count, -0.001, 0.001, random)};
}

std::string network_with_priors(Random& random) {
  const auto priors = static_cast<std::size_t>(count_yunet_priors(kWidth, kHeight));
  return test::made_onnx({drawn_output("loc", 14, priors, -3, 3, random),
                          drawn_output("conf", 2, priors, 0.05, 0.9, random),
                          drawn_output("iou", 1, priors, -0.1, 1.1, random)});
}

std::string network_with_strides(Random& random) {
  std::vector<MadeOutput> outputs;
  for (const int stride : kYunetStrides) {
    const auto squares = static_cast<std::size_t>(kWidth / stride * (kHeight / stride));
    const std::string end = "_" + std::to_string(stride);
    outputs.push_back(drawn_output("cls" + end, 1, squares, 0, 1, random));
    outputs.push_back(drawn_output("obj" + end, 1, squares, 0, 1, random));
    outputs.push_back(drawn_output("bbox" + end, 4, squares, -0.5, 1.5, random));
    outputs.push_back(drawn_output("kps" + end, 10, squares, -1, 2, random));
  }
  return test::made_onnx(outputs);
}

Image drawn_photo(Random& random) {
  Image photo(kWidth, kHeight);
  for (auto& value : photo.pixels) value = static_cast<std::uint8_t>(random.below(256));
  for (std::size_t i = 2; i < photo.pixels.size(); i += 3) photo.pixels[i] /= 3;  // little blue
  return photo;
}

TEST(FaceDetector, TheOlderLayoutAgreesWithOpenCv) {
  const test::TempDir dir;
  Random random(11);
  const std::string path = dir.write("yunet.onnx", network_with_priors(random));
  const Image photo = drawn_photo(random);
  DetectorOptions options;
  options.least_score = 0.3;
  options.most_overlap = kAll;
  const std::vector<Face> found = FaceDetector(path, options).detect(photo);

  cv::Mat bgr(kHeight, kWidth, CV_8UC3), theirs;
  for (std::size_t i = 0; i < photo.pixels.size(); ++i) bgr.data[i / 3 * 3 + 2 - i % 3] = photo.pixels[i];
  cv::FaceDetectorYN::create(path, "", {kWidth, kHeight}, 0.3f, 1.0f, 5000)->detect(bgr, theirs);
  ASSERT_EQ(static_cast<int>(found.size()), theirs.rows);
  ASSERT_GT(found.size(), 100u);
  for (int i = 0; i < theirs.rows; ++i) {
    const float* row = theirs.ptr<float>(i);
    const Face& face = found[static_cast<std::size_t>(i)];
    EXPECT_NEAR(face.score, row[14], 1e-6);
    EXPECT_NEAR(face.box.x, row[0], 1e-3);
    EXPECT_NEAR(face.box.y, row[1], 1e-3);
    EXPECT_NEAR(face.box.width, row[2], 1e-3);
    EXPECT_NEAR(face.box.height, row[3], 1e-3);
    for (std::size_t k = 0; k < 5; ++k) {
      EXPECT_NEAR(face.landmarks[k].x, row[4 + 2 * k], 1e-3);
      EXPECT_NEAR(face.landmarks[k].y, row[5 + 2 * k], 1e-3);
    }
  }
}

// Scores of a network that finds one face of 32 x 32 pixels for every 255 of mean blue.
TEST(FaceDetector, TheNetworkSeesBlueFirst) {
  const test::TempDir dir;
  std::vector<MadeOutput> outputs;
  for (const int stride : kYunetStrides) {
    const auto squares = static_cast<std::size_t>(kWidth / stride * (kHeight / stride));
    const std::string end = "_" + std::to_string(stride);
    outputs.push_back(
        {"cls" + end, 1, std::vector<float>(squares, 0), std::vector<float>(squares, 1 / 255.0f)});
    outputs.push_back({"obj" + end, 1, std::vector<float>(squares, stride == 32 ? 1.0f : 0.0f), {}});
    outputs.push_back({"bbox" + end, 4, std::vector<float>(4 * squares, 0), {}});
    outputs.push_back({"kps" + end, 10, std::vector<float>(10 * squares, 0), {}});
  }
  const FaceDetector detector(dir.write("yunet.onnx", test::made_onnx(outputs)));
  for (const std::size_t colour : {0u, 1u, 2u}) {
    Image photo(kWidth, kHeight);
    for (std::size_t i = colour; i < photo.pixels.size(); i += 3) photo.pixels[i] = 255;
    EXPECT_EQ(detector.detect(photo).size(), colour == 2 ? 6u : 0u) << colour;
  }
}

TEST(FaceDetector, ManyThreadsFindWhatOneFinds) {
  const test::TempDir dir;
  Random random(12);
  const FaceDetector detector(dir.write("yunet.onnx", network_with_strides(random)), {0.4, 0.3, 0, 0});
  std::vector<Image> photos;
  std::vector<std::vector<Face>> alone, together(8);
  for (std::size_t i = 0; i < together.size(); ++i) {
    photos.push_back(drawn_photo(random));
    for (auto& value : photos.back().pixels) value = static_cast<std::uint8_t>(value * i / 8);
    alone.push_back(detector.detect(photos.back()));
  }
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < together.size(); ++i)
    threads.emplace_back([&, i] { together[i] = detector.detect(photos[i]); });
  for (auto& thread : threads) thread.join();
  for (std::size_t i = 0; i < together.size(); ++i) {
    ASSERT_EQ(together[i].size(), alone[i].size());
    ASSERT_GT(alone[i].size(), 5u);
    for (std::size_t k = 0; k < alone[i].size(); ++k) {
      EXPECT_EQ(together[i][k].score, alone[i][k].score);
      EXPECT_EQ(together[i][k].landmarks[4].x, alone[i][k].landmarks[4].x);
    }
  }
}

TEST(FaceDetector, SmallFacesAreLeftOutOnRequest) {
  const test::TempDir dir;
  Random random(13);
  const std::string path = dir.write("yunet.onnx", network_with_strides(random));
  const Image photo = drawn_photo(random);
  const auto all = FaceDetector(path, {0.4, kAll, 0, 0}).detect(photo);
  const auto large = FaceDetector(path, {0.4, kAll, 0, 20}).detect(photo);
  const auto is_large = [](const Face& face) { return face.box.width >= 20 && face.box.height >= 20; };
  EXPECT_LT(large.size(), all.size());
  EXPECT_EQ(static_cast<std::ptrdiff_t>(large.size()), std::count_if(all.begin(), all.end(), is_large));
  EXPECT_TRUE(std::all_of(large.begin(), large.end(), is_large));
}

TEST(FaceDetector, WrongFilesAndOptionsAreNamedInOneLine) {
  const test::TempDir dir;
  const auto open = [](const std::string& path) { return [path] { (void)FaceDetector(path); }; };
  EXPECT_THAT(test::error_of(ErrorKind::kIo, open(dir.file("none.onnx"))),
              HasSubstr("github.com/opencv/opencv_zoo"));
  EXPECT_THAT(test::error_of(ErrorKind::kFormat, open(dir.write("empty.onnx", ""))), HasSubstr("is empty"));
  EXPECT_THAT(test::error_of(ErrorKind::kFormat, open(dir.write("text.onnx", "this is no network\n"))),
              HasSubstr("text.onnx: OpenCV cannot read it as ONNX"));
  EXPECT_THAT(test::error_of(
                  ErrorKind::kFormat,
                  open(dir.write("lfs.onnx", "version https://git-lfs.github.com/spec/v1\noid sha256:8f"))),
              HasSubstr("pointer of Git LFS"));
  EXPECT_THAT(
      test::error_of(ErrorKind::kFormat,
                     open(dir.write("other.onnx", test::made_onnx({{"embedding", 4, {1, 2, 3, 4}, {}}})))),
      HasSubstr("neither the outputs loc, conf and iou nor cls_8"));
  Random random(14);
  std::string sound = network_with_priors(random);
  EXPECT_FALSE(
      test::error_of(ErrorKind::kFormat, open(dir.write("cut.onnx", sound.substr(0, sound.size() / 2))))
          .empty());
  const std::string wrong_size = test::made_onnx({{"loc", 14, std::vector<float>(14 * 5), {}},
                                                  {"conf", 2, std::vector<float>(2 * 5), {}},
                                                  {"iou", 1, std::vector<float>(5), {}}});
  EXPECT_THAT(test::error_of(ErrorKind::kFormat, open(dir.write("size.onnx", wrong_size))),
              HasSubstr("output 'loc' is 1 x 5 x 14 (expected 4914 numbers)"));
  const std::string path = dir.write("sound.onnx", sound);
  for (const DetectorOptions& bad : {DetectorOptions{0, 0.3, 0, 0}, DetectorOptions{0.5, 1.5, 0, 0},
                                     DetectorOptions{0.5, 0.3, 10, 0}, DetectorOptions{0.5, 0.3, 0, -1}}) {
    EXPECT_THAT(test::error_of(ErrorKind::kUsage, [&] { (void)FaceDetector(path, bad); }),
                HasSubstr("detector: "));
  }
}

}  // namespace
}  // namespace aface
