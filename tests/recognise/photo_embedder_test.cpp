#include "aface/recognise/photo_embedder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <thread>

#include "aface/image/align.h"
#include "aface/recognise/model_writer.h"
#include "tests/detect/placed_faces.h"
#include "tests/image/pictures.h"
#include "tests/recognise/networks.h"
#include "tests/support/temp_dir.h"

namespace aface {
namespace {

using testing::HasSubstr;

constexpr int kWidth = 64, kHeight = 96, kChip = 32;

// Whose chip of 32 pixels, by the card below, is the window of the photo with this corner.
Face face_at(int x, int y, double side, const Landmarks& on_chip) {
  Face face;
  face.box = {double(x), double(y), side, side};
  for (std::size_t k = 0; k < 5; ++k) face.landmarks[k] = {on_chip[k].x + x, on_chip[k].y + y};
  face.score = 1;
  return face;
}

Image window(const Image& photo, int x, int y) {
  Image cut(kChip, kChip);
  for (int row = 0; row < kChip; ++row) std::copy_n(photo.at(x, y + row), 3 * kChip, cut.at(0, row));
  return cut;
}

struct PhotoEmbedding : ::testing::Test {
  void SetUp() override {
    const auto net = test::used_network("tiny_cnn", kChip, 8);
    ModelCard card = card_for(net->options());
    for (Point& p : card.alignment) p.y += 2;  // a template of its own
    on_chip = card.alignment;
    write_whole_model(dir.file("m.safetensors"), test::arrays_of(*net), card);
    recogniser = std::make_shared<const Recogniser>(Recogniser::open(dir.file("m.safetensors"), {1}));
    photo = test::smooth_picture(kWidth, kHeight);
    for (std::size_t i = 2; i < photo.pixels.size(); i += 3) photo.pixels[i] = 255;
  }
  PhotoEmbedderOptions with_faces(const std::vector<Face>& faces) const {
    PhotoEmbedderOptions options;
    options.detector = dir.write("yunet.onnx", test::network_with_faces(faces, kWidth, kHeight));
    return options;
  }
  std::vector<float> embedding_of(const Image& chip) const {
    std::vector<float> row(static_cast<std::size_t>(recogniser->dim()));
    recogniser->embed(Span<const Image>(&chip, 1), row.data());
    return row;
  }

  test::TempDir dir;
  Landmarks on_chip{};
  std::shared_ptr<const Recogniser> recogniser;
  Image photo;
};

void expect_near(const std::vector<float>& found, const std::vector<float>& wanted, double tolerance) {
  ASSERT_EQ(found.size(), wanted.size());
  for (std::size_t k = 0; k < found.size(); ++k) EXPECT_NEAR(found[k], wanted[k], tolerance);
}

TEST_F(PhotoEmbedding, AFaceOfAPhotoIsEmbeddedAsItsChipIs) {
  PhotoEmbedderOptions options = with_faces({face_at(20, 30, 40, on_chip), face_at(5, 50, 10, on_chip)});
  options.many = ManyFaces::kAll;
  const auto faces = PhotoEmbedder(recogniser, options).embed(encode_png(photo), "p").value();
  ASSERT_EQ(faces.size(), 2u);
  EXPECT_LE(test::max_difference(faces[0].chip, window(photo, 20, 30)), 1) << "by the card's template";
  EXPECT_LE(test::max_difference(faces[1].chip, window(photo, 5, 50)), 1);
  EXPECT_NEAR(faces[0].face->box.width, 40, 1e-3);
  for (const EmbeddedFace& face : faces) {
    expect_near(face.embedding, embedding_of(face.chip), 1e-6);
    double squares = 0;
    for (const float value : face.embedding) squares += value * value;
    EXPECT_NEAR(squares, 1, 1e-5);
  }
}

TEST_F(PhotoEmbedding, WithoutADetectorAPhotoIsAChip) {
  const PhotoEmbedder embedder(recogniser, {});
  const Image chip = window(photo, 7, 9);
  const auto faces = embedder.embed(chip, "p").value();
  ASSERT_EQ(faces.size(), 1u);
  EXPECT_FALSE(faces[0].face.has_value());
  expect_near(faces[0].embedding, embedding_of(chip), 1e-6);
  EXPECT_TRUE(embedder.embed(photo, "p").ok()) << "of another size: resized";
}

TEST_F(PhotoEmbedding, ErrorsNameThePhoto) {
  const PhotoEmbedder embedder(recogniser, with_faces({face_at(20, 30, 40, on_chip)}));
  EXPECT_THAT(embedder.embed(Image(kWidth, kHeight), "a/b.png").error().what(),
              HasSubstr("a/b.png: no face"));
  const std::vector<unsigned char> text = {'n', 'o'};
  EXPECT_THAT(embedder.embed(text, "a/b.png").error().what(), HasSubstr("a/b.png: neither JPEG nor PNG"));
}

TEST_F(PhotoEmbedding, ManyThreadsMayAsk) {
  const PhotoEmbedder embedder(recogniser, with_faces({face_at(20, 30, 40, on_chip)}));
  const auto alone = embedder.embed(photo, "p").value();
  std::vector<std::vector<float>> together(6);
  std::vector<std::thread> threads;
  for (auto& row : together)
    threads.emplace_back([&] { row = embedder.embed(photo, "p").value().at(0).embedding; });
  for (auto& thread : threads) thread.join();
  for (const auto& row : together) expect_near(row, alone[0].embedding, 1e-6);
}

}  // namespace
}  // namespace aface
