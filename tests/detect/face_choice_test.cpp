#include "aface/detect/face_choice.h"

#include <gtest/gtest.h>

#include "tests/support/expect_error.h"

namespace aface {
namespace {

using testing::HasSubstr;

Face boxed(double x, double y, double side) {
  Face face;
  face.box = {x, y, side, side};
  face.score = 0.9;
  return face;
}

// In a photo of 100 x 80: small in the middle, large to the right, middling to the left.
std::vector<Face> three() { return {boxed(45, 35, 10), boxed(70, 10, 30), boxed(5, 5, 20)}; }

std::vector<double> sides(const std::vector<Face>& faces) {
  std::vector<double> widths;
  for (const Face& face : faces) widths.push_back(face.box.width);
  return widths;
}

TEST(FaceChoice, EachRuleTakesItsFaces) {
  const auto chosen = [](ManyFaces many) { return sides(choose_faces(three(), 100, 80, many).value()); };
  EXPECT_EQ(chosen(ManyFaces::kLargest), (std::vector<double>{30}));
  EXPECT_EQ(chosen(ManyFaces::kCentre), (std::vector<double>{10}));
  EXPECT_EQ(chosen(ManyFaces::kAll), (std::vector<double>{30, 20, 10}));
}

TEST(FaceChoice, OneFaceIsTakenByAll) {
  for (const std::string& word : many_faces_words()) {
    EXPECT_EQ(choose_faces({boxed(0, 0, 7)}, 50, 50, many_faces_from(word)).value().size(), 1u) << word;
  }
}

TEST(FaceChoice, NoneAndTooManyAreSaid) {
  EXPECT_THAT(choose_faces({}, 100, 80, ManyFaces::kAll).error().what(), HasSubstr("no face"));
  const auto refused = choose_faces(three(), 100, 80, ManyFaces::kRefuse);
  EXPECT_EQ(static_cast<int>(refused.error().kind()), static_cast<int>(ErrorKind::kData));
  EXPECT_THAT(refused.error().what(), HasSubstr("3 faces were found (expected one)"));
}

TEST(FaceChoice, OrderDoesNotDependOnThatOfTheDetector) {
  std::vector<Face> faces = {boxed(50, 0, 10), boxed(20, 30, 10), boxed(20, 5, 10)};
  const auto first = choose_faces(faces, 100, 80, ManyFaces::kAll).value();
  std::swap(faces[0], faces[2]);
  const auto second = choose_faces(faces, 100, 80, ManyFaces::kAll).value();
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(first[i].box.x, second[i].box.x);
    EXPECT_EQ(first[i].box.y, second[i].box.y);
  }
  EXPECT_EQ(first[0].box.y, 5) << "from left to right, then downwards";
}

TEST(FaceChoice, WordsAreNamed) {
  EXPECT_THAT(test::error_of(ErrorKind::kUsage, [] { (void)many_faces_from("best"); }),
              HasSubstr("'best' does not say which faces are meant (expected largest, centre, all, refuse)"));
}

}  // namespace
}  // namespace aface
