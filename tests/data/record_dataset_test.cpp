#include <gtest/gtest.h>

#include <filesystem>

#include "aface/core/file.h"
#include "aface/data/batch_loader.h"
#include "aface/data/face_dataset.h"
#include "aface/io/record_set_writer.h"
#include "tests/data/data_set_fixture.h"
#include "tests/support/expect_error.h"

namespace aface {
namespace {

using test::error_of;
using test::TempDir;
using testing::AllOf;
using testing::Each;
using testing::ElementsAre;
using testing::HasSubstr;

DataOptions rec_options(const std::string& path) {
  DataOptions options;
  options.source = "rec";
  options.root = path;
  return options;
}

std::vector<unsigned char> png(std::uint8_t value) {
  const std::string text = test::plain_png(value);
  return {text.begin(), text.end()};
}

// Identities 0, 1, 2 with 1, 3 and 2 photos of the colours 10, 20, 21, 22, 30, 31.
std::string write_faces(const TempDir& dir, RecordLayout layout = RecordLayout::kInsightface,
                        const std::vector<std::string>& names = {}) {
  RecordSetWriter writer(dir.file("faces.rec"), layout);
  for (const int colour : {10, 20, 21, 22, 30, 31})
    writer.add(colour / 10 - 1, png(static_cast<std::uint8_t>(colour)));
  writer.finish(12, 12, names);
  return dir.file("faces.rec");
}

TEST(RecordDataset, SamplesFollowTheKeysAndIdentitiesTheLabels) {
  const TempDir dir;
  const FaceDataset set = load_dataset(rec_options(write_faces(dir)));
  EXPECT_THAT(set.identities, ElementsAre(0, 1, 1, 1, 2, 2));
  EXPECT_EQ(set.photos->photo_name(0), "#1");
  EXPECT_EQ(set.photos->photo_place(5), dir.file("faces.rec#6"));
  EXPECT_EQ(set.photos->identity_name(2), "2");
  PhotoBuffers buffers;
  std::vector<int> colours;
  for (std::int64_t i = 0; i < set.num_samples(); ++i)
    colours.push_back(set.photos->read(i, buffers).value().pixels[0]);
  EXPECT_THAT(colours, ElementsAre(10, 20, 21, 22, 30, 31));
  const auto stored = set.photos->encoded(3, buffers);
  EXPECT_EQ(std::vector<unsigned char>(stored.value().begin(), stored.value().end()), png(22));
}

TEST(RecordDataset, IdentitiesBelowMinImagesAreLeftOutAndKeepTheirNames) {
  const TempDir dir;
  DataOptions options = rec_options(write_faces(dir, RecordLayout::kPlain, {"Ann", "Bo", "Cy"}));
  options.min_images = 2;
  const FaceDataset set = load_dataset(options);
  EXPECT_THAT(set.identities, ElementsAre(0, 0, 0, 1, 1));
  EXPECT_EQ(set.photos->identity_name(0), "Bo");
  EXPECT_EQ(set.photos->photo_name(0), "#1");
  options.min_images = 3;
  EXPECT_THAT(error_of(ErrorKind::kData, [&] { load_dataset(options); }),
              AllOf(HasSubstr("1 identities"), HasSubstr("3 found"), HasSubstr("lower data.min_images")));
}

TEST(RecordDataset, TheFingerprintSeesTheFile) {
  const TempDir dir, other, plain;
  const auto print = [](const std::string& path) { return load_dataset(rec_options(path)).fingerprint(); };
  const std::string path = write_faces(dir);
  EXPECT_EQ(print(path), print(write_faces(other)));
  const std::string before = print(path);
  RecordSetWriter writer(path, RecordLayout::kInsightface);
  for (const int colour : {10, 20, 30, 31, 32, 33})
    writer.add(colour / 10 - 1, png(static_cast<std::uint8_t>(colour)));
  writer.finish(12, 12, {});
  EXPECT_NE(print(path), before);
}

TEST(RecordDataset, ADamagedPhotoIsNamedByItsKey) {
  const TempDir dir;
  RecordSetWriter writer(dir.file("faces.rec"), RecordLayout::kPlain);
  writer.add(0, png(1));
  const std::vector<unsigned char> whole = png(2);
  writer.add(1, Span<const unsigned char>(whole.data(), whole.size() - 20));
  writer.add(1, std::vector<unsigned char>{'t', 'e', 'x', 't'});
  writer.finish(12, 12, {});
  const FaceDataset set = load_dataset(rec_options(dir.file("faces.rec")));
  PhotoBuffers buffers;
  EXPECT_TRUE(set.photos->read(0, buffers).ok());
  EXPECT_THAT(set.photos->read(1, buffers).error().what(), HasSubstr("faces.rec#1: "));
  EXPECT_THAT(set.photos->read(2, buffers).error().what(), HasSubstr("faces.rec#2: "));
}

TEST(RecordDataset, TheLoaderGivesTheSameBatchForFilesAndRecords) {
  const TempDir dir;
  const FaceDataset records = load_dataset(rec_options(write_faces(dir)));
  for (const int colour : {10, 20, 21, 22, 30, 31}) {
    dir.write("files/" + std::to_string(colour / 10) + "/" + std::to_string(colour) + ".png",
              test::plain_png(static_cast<std::uint8_t>(colour)));
  }
  const FaceDataset files = load_dataset(test::folder_options(dir.file("files")));
  const auto batch_of = [](const FaceDataset& set) {
    BatchLoader loader(set, DataOptions(), AugmentOptions(), 8, 5);
    loader.submit({3, {5, 0, 2, 2}});
    return loader.next();
  };
  const Batch a = batch_of(records), b = batch_of(files);
  EXPECT_EQ(a.pixels, b.pixels);
  EXPECT_THAT(a.identities, ElementsAre(2, 0, 1, 1));
  EXPECT_EQ(a.identities, b.identities);
}

TEST(RecordDataset, MistakesHaveTheirOwnMessage) {
  const TempDir dir;
  EXPECT_THAT(error_of(ErrorKind::kIo, [&] { load_dataset(rec_options(dir.file("none.rec"))); }),
              HasSubstr("none.rec"));
  const std::string path = write_faces(dir);
  EXPECT_THAT(error_of(ErrorKind::kIo, [&] { load_dataset(test::folder_options(path)); }),
              HasSubstr("for a packed file set data.source to rec"));
  EXPECT_THAT(error_of(ErrorKind::kIo, [&] { load_dataset(rec_options(dir.path())); }),
              HasSubstr(dir.path()));
  EXPECT_EQ(source_of("a/train.rec"), "rec");
  EXPECT_EQ(source_of("a/train"), "folder");
}

}  // namespace
}  // namespace aface
