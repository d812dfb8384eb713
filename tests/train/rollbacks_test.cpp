#include "aface/train/rollbacks.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/expect_error.h"

namespace aface {
namespace {

Diverged at_step(std::int64_t step, bool is_photo = false) { return {step, 0.1, {"the loss", "is not finite", is_photo}}; }

TEST(Rollbacks, GoesBackToTheNewestStateBeforeTheStep) {
  Rollbacks rollbacks((TrainOptions()));
  rollbacks.began_at(0);
  const Beginning first = rollbacks.after(at_step(130), 0);
  EXPECT_TRUE(first.at_checkpoint);
  EXPECT_EQ(first.no_later_than, 130);
  EXPECT_EQ(first.rollbacks, 1);
  rollbacks.began_at(100);
  EXPECT_EQ(rollbacks.after(at_step(150), 1).no_later_than, 150) << "it got further: 100 was a good state";
}

TEST(Rollbacks, AStateThatGotNoFurtherIsLeftOut) {
  Rollbacks rollbacks((TrainOptions()));
  rollbacks.after(at_step(130), 0);
  rollbacks.began_at(100);
  EXPECT_EQ(rollbacks.after(at_step(130), 1).no_later_than, 99);
  rollbacks.began_at(50);
  EXPECT_EQ(rollbacks.after(at_step(101), 2).no_later_than, 49);
}

TEST(Rollbacks, GivesUpAfterTheTimesAllowed) {
  TrainOptions options;
  options.max_rollbacks = 2;
  Rollbacks rollbacks(options);
  rollbacks.after(at_step(5), 0);
  rollbacks.after(at_step(6), 1);
  EXPECT_THAT(test::error_of(ErrorKind::kNumeric, [&] { rollbacks.after(at_step(7), 2); }),
              ::testing::HasSubstr("given up after going back 2 times"));
  options.max_rollbacks = 0;
  EXPECT_THROW(Rollbacks(options).after(at_step(5), 0), Diverged);
}

TEST(Rollbacks, NoRateMendsAPhoto) {
  Rollbacks rollbacks((TrainOptions()));
  EXPECT_THROW(rollbacks.after(at_step(5, /*is_photo=*/true), 0), Diverged);
}

}  // namespace
}  // namespace aface
