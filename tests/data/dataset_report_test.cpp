#include "aface/data/dataset_report.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/data/data_set_fixture.h"
#include "tests/support/expect_error.h"

namespace aface {
namespace {

using test::plain_png;
using test::TempDir;
using testing::HasSubstr;

// Identities with 1, 2, 3 and 10 images; two files are damaged and one picture is larger.
class Report : public testing::Test {
 protected:
  Report() {
    const std::vector<int> counts = {1, 2, 3, 10};
    for (std::size_t p = 0; p < counts.size(); ++p) {
      for (int i = 0; i < counts[p]; ++i) dir_.write(name(p, i), plain_png(50));
    }
    dir_.write(name(3, 4), plain_png(50, 30));
    dir_.write(name(2, 1), "no picture");
    dir_.write(name(3, 7), plain_png(50).substr(0, 60));
    dataset_ = load_dataset(test::folder_options(dir_.path()));
  }
  static std::string name(std::size_t identity, int image) {
    return "p" + std::to_string(identity) + "/" + std::to_string(image) + ".png";
  }
  TempDir dir_;
  FaceDataset dataset_;
};

TEST_F(Report, CountsTheLongTail) {
  const DatasetReport report = inspect_dataset(dataset_, Decoding::kNone, 1);
  EXPECT_EQ(report.identities, 4);
  EXPECT_EQ(report.images, 16);
  EXPECT_EQ(report.smallest, 1);
  EXPECT_DOUBLE_EQ(report.median, 2.5);
  EXPECT_DOUBLE_EQ(report.mean, 4);
  EXPECT_EQ(report.largest, 10);
  EXPECT_DOUBLE_EQ(report.share_of_richest_tenth, 10.0 / 16)
      << "a tenth of four identities is the richest one";
  std::int64_t identities = 0, images = 0;
  for (const auto& c : report.size_classes) {
    identities += c.identities;
    images += c.images;
    EXPECT_EQ(c.identities, c.first == 1 || c.first == 2 || c.first == 3 || c.first == 10) << c.first;
  }
  EXPECT_EQ(identities, 4);
  EXPECT_EQ(images, 16);
  EXPECT_FALSE(report.decoded);
}

TEST_F(Report, NamesUnreadableFilesAndGoesOn) {
  for (const int threads : {1, 3}) {
    const DatasetReport report = inspect_dataset(dataset_, Decoding::kAll, threads);
    ASSERT_EQ(report.unreadable.size(), 2u);
    EXPECT_EQ(report.unreadable[0].path, "p2/1.png");
    EXPECT_THAT(report.unreadable[0].reason, HasSubstr("neither JPEG nor PNG"));
    EXPECT_EQ(report.unreadable[1].path, "p3/7.png");
    EXPECT_THAT(report.unreadable[1].reason, HasSubstr("cut short"));
    ASSERT_EQ(report.picture_sizes.size(), 2u);
    EXPECT_EQ(report.picture_sizes[0].width, 12);
    EXPECT_EQ(report.picture_sizes[0].images, 13);
    EXPECT_EQ(report.picture_sizes[1].height, 30);
    EXPECT_EQ(report.picture_sizes[1].images, 1);
  }
}

TEST_F(Report, TextAndJsonSayTheSame) {
  const DatasetReport report = inspect_dataset(dataset_, Decoding::kAll, 1);
  const std::string text = report_text(report);
  for (const char* part : {"identities           4\n", "min 1, median 2.5, mean 4.00, max 10", "hold 62.5 %",
                           "30 x 30", "unreadable           2\n", "p3/7.png"}) {
    EXPECT_THAT(text, HasSubstr(part));
  }
  const auto json = nlohmann::json::parse(report_json(report));
  EXPECT_EQ(json["identities"], 4);
  EXPECT_EQ(json["images_per_identity"]["median"], 2.5);
  EXPECT_EQ(json["share_of_richest_tenth"], 0.625);
  EXPECT_EQ(json["size_classes"].size(), 8u);
  EXPECT_EQ(json["size_classes"][7]["images_per_identity"], "100+");
  EXPECT_EQ(json["picture_sizes"][0]["images"], 13);
  EXPECT_EQ(json["unreadable"][1]["path"], "p3/7.png");
  const DatasetReport quick = inspect_dataset(dataset_, Decoding::kNone, 1);
  EXPECT_FALSE(nlohmann::json::parse(report_json(quick)).contains("unreadable"));
}

TEST(ReportJson, NamesThatAreNotUtf8DoNotStopIt) {
  DatasetReport report;
  report.decoded = true;
  report.unreadable.push_back({"a/\xff.jpg", "damaged"});
  EXPECT_TRUE(nlohmann::json::accept(report_json(report)));
}

}  // namespace
}  // namespace aface
