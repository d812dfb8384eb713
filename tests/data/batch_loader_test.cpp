#include "aface/data/batch_loader.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <string>

#include "aface/core/random.h"
#include "tests/data/data_set_fixture.h"
#include "tests/support/expect_error.h"

namespace aface {
namespace {

using test::error_of;
using test::folder_options;
using test::plain_png;
using test::TempDir;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr int kIdentities = 5;
constexpr int kImages = 4;  // of each

// Image i of identity p is plain 40 p + 5 i + 10, and sample id p * kImages + i.
std::uint8_t value_of(std::int64_t sample_id) {
  return static_cast<std::uint8_t>(40 * (sample_id / kImages) + 5 * (sample_id % kImages) + 10);
}

class Loader : public testing::Test {
 protected:
  Loader() {
    for (int p = 0; p < kIdentities; ++p) {
      for (int i = 0; i < kImages; ++i) dir_.write(name(p, i), plain_png(value_of(p * kImages + i)));
    }
    options_ = folder_options(dir_.path());
    dataset_ = load_dataset(options_);
    augment_.flip = 0;
  }

  static std::string name(int identity, int image) {
    return "p" + std::to_string(identity) + "/" + std::to_string(image) + ".png";
  }
  void damage(int identity, int image) { dir_.write(name(identity, image), "no picture"); }

  TempDir dir_;
  DataOptions options_;
  AugmentOptions augment_;
  FaceDataset dataset_;
};

TEST_F(Loader, EachSampleCarriesItsOwnPixelsAndIdentity) {
  options_.workers = 3;
  BatchLoader loader(dataset_, options_, augment_, 8, 1);
  loader.submit({7, {19, 0, 6, 6}});
  const Batch batch = loader.next();
  EXPECT_EQ(batch.step, 7);
  EXPECT_EQ(batch.size_px, 8);
  EXPECT_THAT(batch.sample_ids, ElementsAre(19, 0, 6, 6));
  EXPECT_THAT(batch.identities, ElementsAre(4, 0, 1, 1));
  ASSERT_EQ(batch.pixels.size(), 4u * 8 * 8 * 3);
  for (std::size_t i = 0; i < batch.pixels.size(); ++i) {
    EXPECT_EQ(batch.pixels[i], value_of(batch.sample_ids[i / (8 * 8 * 3)]));
  }
}

TEST_F(Loader, SameBatchesForAnyNumberOfWorkersAndInPlanOrder) {
  // Pictures with detail, so that every augmentation shows.
  Random random(9);
  for (int p = 0; p < kIdentities; ++p) {
    for (int i = 0; i < kImages; ++i) {
      Image image(24, 24);
      for (auto& value : image.pixels) value = static_cast<std::uint8_t>(random.below(256));
      dir_.write(name(p, i), test::as_text(encode_jpeg(image, 90)));
    }
  }
  augment_.flip = augment_.crop = augment_.low_resolution = augment_.colour = augment_.cutout = 0.5;
  const auto load = [&](std::int64_t workers, std::int64_t prefetch, std::uint64_t seed) {
    DataOptions options = options_;
    options.workers = workers;
    options.prefetch = prefetch;
    BatchLoader loader(dataset_, options, augment_, 16, seed);
    std::vector<std::uint8_t> pixels;
    for (std::int64_t step = 0; step < 12; ++step)
      loader.submit({step, {step, 19 - step, 3, (7 * step) % 20, 11}});
    for (std::int64_t step = 0; step < 12; ++step) {
      Batch batch = loader.next();
      EXPECT_EQ(batch.step, step);
      EXPECT_EQ(batch.sample_ids[1], 19 - step);
      pixels.insert(pixels.end(), batch.pixels.begin(), batch.pixels.end());
      loader.recycle(std::move(batch));
    }
    return pixels;
  };
  const auto one = load(1, 4, 1);
  EXPECT_EQ(one, load(2, 1, 1));
  EXPECT_EQ(one, load(4, 8, 1));
  EXPECT_NE(one, load(1, 4, 2)) << "the seed decides the augmentation";
}

TEST_F(Loader, AugmentationChangesFromStepToStepOnly) {
  Image left_white(16, 16);
  for (int y = 0; y < 16; ++y) std::fill_n(left_white.at(0, y), 8 * 3, std::uint8_t{255});
  dir_.write(name(0, 0), test::as_text(encode_png(left_white)));
  augment_.flip = 0.5;
  BatchLoader loader(dataset_, options_, augment_, 16, 3);
  int flipped = 0;
  for (std::int64_t step = 0; step < 64; ++step) {
    loader.submit({step, {0, 0}});
    const Batch batch = loader.next();
    flipped += batch.pixels[0] == 0;
    EXPECT_EQ(batch.pixels[0], batch.pixels[16 * 16 * 3]) << "same seed, step and sample: same pixels";
  }
  EXPECT_GT(flipped, 16);
  EXPECT_LT(flipped, 48);
}

TEST_F(Loader, FailPolicyThrowsTheImagesErrorAtItsPlan) {
  damage(1, 2);
  options_.workers = 2;
  BatchLoader loader(dataset_, options_, augment_, 8, 1);
  loader.submit({0, {0, 1}});
  loader.submit({1, {2, 6, 3}});
  EXPECT_EQ(loader.next().count(), 2);
  EXPECT_THAT(error_of(ErrorKind::kFormat, [&] { (void)loader.next(); }),
              HasSubstr("p1/2.png: neither JPEG nor PNG"));
}

TEST_F(Loader, FileThatVanishedIsAnIoError) {
  std::filesystem::remove(dir_.file(name(2, 0)));
  BatchLoader loader(dataset_, options_, augment_, 8, 1);
  loader.submit({0, {8}});
  EXPECT_THAT(error_of(ErrorKind::kIo, [&] { (void)loader.next(); }), HasSubstr("p2/0.png: cannot open"));
}

TEST_F(Loader, SkipPolicyLeavesBadImagesOutAndCountsThem) {
  damage(0, 1);
  damage(4, 3);
  options_.on_bad_image = "skip";
  BatchLoader loader(dataset_, options_, augment_, 8, 1);
  loader.submit({0, {1, 0, 19, 6}});
  const Batch batch = loader.next();
  EXPECT_THAT(batch.sample_ids, ElementsAre(0, 6));
  EXPECT_THAT(batch.identities, ElementsAre(0, 1));
  ASSERT_EQ(batch.pixels.size(), 2u * 8 * 8 * 3);
  EXPECT_EQ(batch.pixels.front(), value_of(0));
  EXPECT_EQ(batch.pixels.back(), value_of(6));
  EXPECT_EQ(loader.bad_images(), 2);
}

TEST_F(Loader, SkipPolicyHasACap) {
  damage(0, 1);
  options_.on_bad_image = "skip";
  options_.max_bad_share = 0.003;  // of the first 1000 images: three bad ones pass, the fourth does not
  BatchLoader loader(dataset_, options_, augment_, 8, 1);
  for (std::int64_t step = 0; step < 4; ++step) loader.submit({step, {0, 1}});
  for (int i = 0; i < 3; ++i) EXPECT_EQ(loader.next().count(), 1);
  EXPECT_THAT(error_of(ErrorKind::kFormat, [&] { (void)loader.next(); }),
              AllOf(HasSubstr("p0/1.png"), HasSubstr("4 of 8 images read are bad"), HasSubstr("0.003")));
}

TEST_F(Loader, SkipPolicyNeverGivesAnEmptyBatch) {
  damage(0, 1);
  options_.on_bad_image = "skip";
  options_.max_bad_share = 1;
  BatchLoader loader(dataset_, options_, augment_, 8, 1);
  loader.submit({5, {1, 1}});
  EXPECT_THAT(error_of(ErrorKind::kData, [&] { (void)loader.next(); }),
              HasSubstr("step 5: none of the 2 images"));
}

TEST_F(Loader, CanBeDestroyedAtAnyMoment) {
  options_.workers = 4;
  options_.prefetch = 2;
  for (int taken = 0; taken < 4; ++taken) {
    BatchLoader loader(dataset_, options_, augment_, 8, 1);
    for (std::int64_t step = 0; step < 20; ++step) loader.submit({step, {0, 1, 2, 3, 4, 5, 6, 7, 8, 9}});
    for (int i = 0; i < taken; ++i) EXPECT_EQ(loader.next().step, i);
  }
}

TEST_F(Loader, NextWithoutAPlanIsRefused) {
  BatchLoader loader(dataset_, options_, augment_, 8, 1);
  EXPECT_THAT(error_of(ErrorKind::kInternal, [&] { (void)loader.next(); }),
              HasSubstr("without a submitted plan"));
  EXPECT_THAT(error_of(ErrorKind::kInternal,
                       [&] {
                         loader.submit({0, {20}});
                       }),
              HasSubstr("sample 20 of 20"));
}

}  // namespace
}  // namespace aface
