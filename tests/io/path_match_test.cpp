#include "aface/io/path_match.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "aface/core/error.h"
#include "tests/support/expect_error.h"

namespace aface {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(PathMatch, FitsFullBareAndPrefixedNamesWhateverTheExtension) {
  EXPECT_THAT(match_paths({"A/A_0001.jpg", "A/A_0002.jpg", "B/B_0001.jpg", "C/C_0001.jpg"},
                          {"/chips/B/B_0001.png", "A_0002.jpg", "./A/A_0001.jpg", "C/C_0001"}, "list.txt"),
              ElementsAre(2, 1, 0, 3));
}

TEST(PathMatch, SameFileNameInAnotherFolderDoesNotFit) {
  EXPECT_THAT(match_paths({"a/1.jpg", "b/1.jpg", "xa/1.jpg"}, {"a/1.jpg", "c/1.jpg"}, "list.txt"),
              ElementsAre(0, -1, -1));
}

TEST(PathMatch, MoreComponentsThenSameExtensionWins) {
  EXPECT_THAT(match_paths({"a/1.jpg"}, {"1.jpg", "a/1.png", "a/1.jpg"}, "list.txt"), ElementsAre(2));
  EXPECT_THAT(match_paths({"a/1.jpg"}, {"1.jpg", "a/1.png"}, "list.txt"), ElementsAre(1));
}

TEST(PathMatch, TwoEqualFitsAreAnError) {
  EXPECT_THROW(match_paths({"a/1.jpg"}, {"x/a/1.jpg", "y/a/1.jpg"}, "list.txt"), Error);
  EXPECT_THROW(match_paths({"a/1.jpg"}, {"a/1.jpg", "a/1.jpg"}, "list.txt"), Error);
  EXPECT_THAT(match_paths({"a/1.jpg"}, {"1.png", "1.bmp", "a/1.jpg"}, "list.txt"), ElementsAre(2));
}

TEST(PathMatch, DuplicateNamesAreNamedWithBothLines) {
  EXPECT_THAT(test::error_of(ErrorKind::kData,
                             [] {
                               match_paths({"a/1.jpg"}, {"a/1.jpg", "b", "a/1.jpg"}, "list.txt");
                             }),
              HasSubstr("list.txt: 'a/1.jpg' fits both 'a/1.jpg' (number 1) and 'a/1.jpg' (number 3)"));
  EXPECT_THAT(match_paths({"b"}, {"a/1.jpg", "b", "a/1.jpg"}, "list.txt"), ElementsAre(1));
}

TEST(PathMatch, OneNameCannotStandForTwoImages) {
  EXPECT_THAT(test::error_of(ErrorKind::kData,
                             [] {
                               match_paths({"Ada/1.jpg", "Bo/1.jpg"}, {"1.jpg"}, "list.txt");
                             }),
              HasSubstr("list.txt: '1.jpg' (number 1) would stand for both 'Ada/1.jpg' and 'Bo/1.jpg'"));
  EXPECT_THAT(match_paths({"Ada/1.jpg", "./Ada/1.jpg", "Ada/1.jpg"}, {"1.jpg"}, "list.txt"),
              ElementsAre(0, 0, 0));
}

TEST(PathMatch, MissingImagesAreCountedAndTheFirstNamed) {
  EXPECT_NO_THROW(require_all_matched({"a"}, {0}, "list.txt", "mend"));
  try {
    require_all_matched({"a", "b", "c", "d", "e"}, {-1, 0, -1, -1, -1}, "list.txt", "embed them too");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kData);
    EXPECT_THAT(error.what(),
                HasSubstr("list.txt: 4 of 5 images are missing ('a', 'c', 'd', ...); embed them too"));
  }
}

}  // namespace
}  // namespace aface
