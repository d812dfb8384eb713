// The published network on real photos. Neither comes with the project; without them these tests are skipped.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "aface/detect/face_detector.h"
#include "aface/image/image_file.h"
#include "aface/image/resample.h"
#include "aface/io/landmark_list.h"
#include "tests/support/real_data.h"

namespace aface {
namespace {

struct Found {
  int photos = 0;
  int faces = 0;          // photos in which the wanted face was found
  double mean_error = 0;  // of its landmarks, in distances between the eyes
};

double distance(const Point& a, const Point& b) { return std::hypot(a.x - b.x, a.y - b.y); }

double mean_distance(const Landmarks& a, const Landmarks& b) {
  double sum = 0;
  for (std::size_t k = 0; k < a.size(); ++k) sum += distance(a[k], b[k]) / static_cast<double>(a.size());
  return sum;
}

Landmarks scaled(Landmarks points, double times) {
  for (Point& p : points) p = {p.x * times, p.y * times};
  return points;
}

// In the first `photos` of the sample. `prepare` changes a photo, which enlarges it `times`.
template <class Prepare>
Found find_faces(int photos, double times, const Prepare& prepare) {
  const std::string sample = test::real_data("lfw/original_sample");
  const std::string network = test::real_data("models/yunet_n_320.onnx");
  const FaceDetector detector(network);
  Found found;
  for (const LandmarkRow& row : read_landmark_list(sample + "/landmarks.txt")) {
    if (found.photos == photos) break;
    const Image photo = prepare(read_image(sample + "/" + row.path).value());
    const Landmarks wanted = scaled(landmarks_from(row.points), times);
    const double eyes = distance(wanted[0], wanted[1]);
    double least = 1e9;
    for (const Face& face : detector.detect(photo))
      least = std::min(least, mean_distance(face.landmarks, wanted) / eyes);
    found.photos += 1;
    if (least > 0.25) continue;
    ++found.faces;
    found.mean_error += least;
  }
  found.mean_error /= found.faces;
  return found;
}

struct RealPhotos : ::testing::Test {
  void SetUp() override {
    for (const char* entry : {"lfw/original_sample", "models/yunet_n_320.onnx"})
      AFACE_SKIP_WITHOUT(test::real_data(entry), entry);
  }
};

TEST_F(RealPhotos, LandmarksAreWhereTheyWereMarked) {
  const Found found = find_faces(40, 1, [](Image photo) { return photo; });
  EXPECT_EQ(found.photos, 40);
  EXPECT_EQ(found.faces, 40);
  EXPECT_LT(found.mean_error, 0.1);
}

TEST_F(RealPhotos, FacesOfSixHundredPixelsAreFoundToo) {
  const Found found =
      find_faces(10, 6, [](Image photo) { return resize(photo, photo.width * 6, photo.height * 6); });
  EXPECT_EQ(found.faces, 10);
  EXPECT_LT(found.mean_error, 0.1);
}

TEST_F(RealPhotos, SmallFacesAreFound) {
  const Found found = find_faces(40, 0.3, [](Image photo) {
    return resize(photo, static_cast<int>(std::lround(photo.width * 0.3)),
                  static_cast<int>(std::lround(photo.height * 0.3)));
  });
  EXPECT_GE(found.faces, 38);
}

}  // namespace
}  // namespace aface
