#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "aface/synth/synthetic_faces.h"
#include "tests/support/expect_error.h"

namespace aface {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

template <class Change>
std::string complaint(const Change& change) {
  SynthOptions options;
  change(options);
  return test::error_of(ErrorKind::kUsage, [&] { check_synth_options(options); });
}

TEST(SynthCheck, DefaultsAreFine) { EXPECT_NO_THROW(check_synth_options(SynthOptions())); }

TEST(SynthCheck, ValuesOutsideTheirRangeAreNamed) {
  EXPECT_THAT(complaint([](auto& o) { o.hardness = 1.5; }),
              AllOf(HasSubstr("hardness"), HasSubstr("0 to 1")));
  EXPECT_THAT(complaint([](auto& o) { o.hardness = std::nan(""); }), HasSubstr("hardness"));
  EXPECT_THAT(complaint([](auto& o) { o.identities = 1; }),
              AllOf(HasSubstr("identities"), HasSubstr("at least 2")));
  EXPECT_THAT(complaint([](auto& o) { o.size = 8; }), HasSubstr("size"));
  EXPECT_THAT(complaint([](auto& o) { o.seed = -1; }), HasSubstr("seed"));
  EXPECT_THAT(complaint([](auto& o) { o.heldout_images = 1; }), HasSubstr("heldout_images"));
}

TEST(SynthCheck, TooFewImagesForTheIdentities) {
  EXPECT_THAT(complaint([](auto& o) { o.images = 399; }),
              AllOf(HasSubstr("200 identities"), HasSubstr("399"), HasSubstr("min_images")));
  SynthOptions options;
  options.images = 400;
  EXPECT_NO_THROW(check_synth_options(options));
}

TEST(SynthCheck, LeastImagesBeyondAllBoundsDoNotOverflow) {
  EXPECT_THAT(complaint([](auto& o) { o.min_images = INT64_MAX; }), HasSubstr("min_images"));
  EXPECT_THAT(complaint([](auto& o) { o.images = INT64_MAX; }), HasSubstr("too many"));
  EXPECT_THAT(complaint([](auto& o) { o.heldout_identities = o.heldout_images = INT64_MAX; }),
              HasSubstr("too many"));
}

TEST(SynthCheck, MoreNoiseThanPhotosThatMayBeFlipped) {
  const auto change = [](auto& o) {
    o.images = 400;
    o.label_noise = 0.6;
  };
  EXPECT_THAT(complaint(change), AllOf(HasSubstr("label_noise"), HasSubstr("240"), HasSubstr("at most 200")));
}

TEST(SynthCheck, PairsMustBeWholeFoldsAndThere) {
  EXPECT_THAT(complaint([](auto& o) { o.pairs = 1210; }),
              AllOf(HasSubstr("multiple of 20"), HasSubstr("1220")));
  // 60 people with 10 photos have 60 * 45 pairs of one person.
  EXPECT_THAT(complaint([](auto& o) { o.pairs = 5420; }),
              AllOf(HasSubstr("2700"), HasSubstr("at most 5400")));
  SynthOptions options;
  options.pairs = 5400;
  EXPECT_NO_THROW(check_synth_options(options));
  EXPECT_THAT(complaint([](auto& o) { o.heldout_identities = 1; }), HasSubstr("heldout_identities"));
}

TEST(SynthCheck, WithoutHeldOutPeoplePairsDoNotMatter) {
  SynthOptions options;
  options.heldout_identities = 0;
  options.pairs = 33;
  EXPECT_NO_THROW(check_synth_options(options));
}

}  // namespace
}  // namespace aface
