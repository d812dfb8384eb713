#include "aface/synth/drawn_photos.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "aface/core/file.h"
#include "aface/core/parallel.h"
#include "aface/data/batch_loader.h"
#include "aface/image/image_file.h"
#include "aface/synth/draw_photo.h"
#include "aface/synth/synthetic_faces.h"
#include "tests/support/expect_error.h"
#include "tests/support/temp_dir.h"

namespace aface {
namespace {

using ::testing::HasSubstr;

SynthOptions small_set() {
  SynthOptions options;
  options.identities = 6;
  options.images = 40;
  options.label_noise = 0.25;
  options.heldout_identities = 0;
  options.size = 32;
  return options;
}

TEST(DrawnPhotos, AreThePhotosOfTheWrittenSetBeforeCompression) {
  const test::TempDir folder;
  const SynthOptions options = small_set();
  write_synthetic_faces(options, folder.file("set"), 1);
  const std::string images = SyntheticFacesPaths(folder.file("set")).train_images;
  const FaceDataset set = drawn_faces(options);
  const auto written = synth::plan_training_photos(options);
  ASSERT_EQ(set.num_samples(), 40);
  ASSERT_EQ(written.size(), 40u);
  PhotoBuffers buffers;
  std::int64_t noisy = 0;
  for (std::int64_t k = set.num_samples() - 1; k >= 0; --k) {  // any order will do
    const auto& photo = written[static_cast<std::size_t>(k)];
    const Image drawn = set.photos->read(k, buffers).value();
    const int quality = synth::conditions_of(options, photo.identity, photo.photo).jpeg_quality;
    const std::vector<unsigned char> compressed = encode_jpeg(drawn, quality);
    EXPECT_EQ(std::string(compressed.begin(), compressed.end()), read_text_file(images + "/" + photo.path))
        << k;
    EXPECT_EQ(set.photos->identity_name(set.identity_of(k)), photo.label);
    EXPECT_EQ(set.photos->photo_name(k), photo.truth + "#" + std::to_string(photo.photo + 1));
    noisy += photo.is_noisy() ? 1 : 0;
  }
  EXPECT_EQ(noisy, 10);
}

TEST(DrawnPhotos, DoNotDependOnThreads) {
  const FaceDataset set = drawn_faces(small_set());
  std::vector<std::vector<std::uint8_t>> one(40), three(40);
  for (const int threads : {1, 3}) {
    auto& pixels = threads == 1 ? one : three;
    parallel_for(40, 1, threads, [&](std::int64_t begin, std::int64_t end) {
      PhotoBuffers buffers;
      for (std::int64_t k = begin; k < end; ++k) {
        pixels[static_cast<std::size_t>(k)] = set.photos->read(k, buffers).value().pixels;
      }
    });
  }
  EXPECT_EQ(one, three);
  EXPECT_NE(one[0], one[1]);
}

TEST(DrawnPhotos, GoThroughTheLoader) {
  const FaceDataset set = drawn_faces(small_set());
  AugmentOptions plain;
  plain.flip = 0;
  DataOptions options;
  options.workers = 2;
  BatchLoader loader(set, options, plain, 32, 1);
  loader.submit({0, {39, 3, 3}});
  const Batch batch = loader.next();
  PhotoBuffers buffers;
  const Image third = set.photos->read(3, buffers).value();
  EXPECT_TRUE(std::equal(third.pixels.begin(), third.pixels.end(), batch.pixels.begin() + 32 * 32 * 3));
  EXPECT_EQ(batch.identities[0], set.identity_of(39));
}

TEST(DrawnPhotos, FingerprintFollowsWhatThePhotosDependOn) {
  const std::string base = drawn_faces(small_set()).fingerprint();
  const auto with = [](auto change) {
    SynthOptions options = small_set();
    change(options);
    return drawn_faces(options).fingerprint();
  };
  EXPECT_EQ(base, with([](SynthOptions&) {}));
  EXPECT_EQ(base, with([](SynthOptions& o) { o.heldout_identities = 8, o.pairs = 20; }));
  EXPECT_NE(base, with([](SynthOptions& o) { o.seed = 2; }));
  EXPECT_NE(base, with([](SynthOptions& o) { o.hardness = 0.1; }));
  EXPECT_NE(base, with([](SynthOptions& o) { o.label_noise = 0; }));
  EXPECT_NE(base, with([](SynthOptions& o) { o.size = 48; }));
}

TEST(DrawnPhotos, AMillionPeopleArePlannedInPlace) {
  SynthOptions options;
  options.identities = 1'000'000;
  options.images = 3'000'000;
  options.zipf_exponent = 0.3;
  options.min_images = 1;
  options.heldout_identities = 0;
  const DrawnPhotos photos(options);
  EXPECT_EQ(photos.plan().num_samples(), 3'000'000);
  std::int64_t next = 0;
  for (std::int64_t person = 0; person < options.identities; person += 9973) {
    const std::int64_t images = photos.plan().num_photos_of(person);
    ASSERT_GE(images, 1);
    // The sample before which the person's photos begin, by bisection over what samples show.
    std::int64_t low = next, high = photos.plan().num_samples();
    while (low < high) {
      const std::int64_t middle = low + (high - low) / 2;
      (photos.plan().shown(middle).identity < person ? low = middle + 1 : high = middle);
    }
    next = low;
    for (std::int64_t i = 0; i < images; ++i) {
      ASSERT_EQ(photos.plan().shown(next + i).identity, person);
      ASSERT_EQ(photos.plan().shown(next + i).photo, i);
    }
    if (person + 1 < options.identities) {
      ASSERT_EQ(photos.plan().shown(next + images).identity, person + 1);
    }
  }
  EXPECT_EQ(photos.identity_name(999'999), "person_1000000");
}

TEST(DrawnPhotos, OptionsThatCannotBeMetAreRefused) {
  SynthOptions options = small_set();
  options.images = 7;  // two each for six people are wanted
  EXPECT_THAT(test::error_of(ErrorKind::kUsage, [&] { drawn_faces(options); }),
              HasSubstr("synth.images: too few"));
}

TEST(HeldOutFaces, AreThoseOfTheWholeSetAndAreNotTakenForIt) {
  const test::TempDir folder;
  SynthOptions options = small_set();
  options.heldout_identities = 4;
  options.heldout_images = 5;
  options.pairs = 20;
  write_synthetic_faces(options, folder.file("all"), 1);
  const auto write = [&](SyntheticParts parts, ExistingFaces existing) {
    return write_synthetic_faces(options, folder.file("part"), 1, existing, parts);
  };
  const auto report = write(SyntheticParts::kHeldOut, ExistingFaces::kRefuse);
  EXPECT_EQ(report.images, 0);
  EXPECT_EQ(report.heldout_images, 20);
  const SyntheticFacesPaths all(folder.file("all")), part(folder.file("part"));
  EXPECT_FALSE(file_exists(part.train_list));
  EXPECT_EQ(read_text_file(part.heldout_pairs), read_text_file(all.heldout_pairs));
  const std::string photo = "/stranger_00004/stranger_00004_0005.jpg";
  EXPECT_EQ(read_text_file(part.heldout_images + photo), read_text_file(all.heldout_images + photo));
  EXPECT_TRUE(write(SyntheticParts::kHeldOut, ExistingFaces::kReuse).reused);
  EXPECT_THAT(test::error_of(ErrorKind::kUsage, [&] { write(SyntheticParts::kAll, ExistingFaces::kReuse); }),
              HasSubstr("no training photos"));
}

}  // namespace
}  // namespace aface
