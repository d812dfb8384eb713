#include "aface/report/report_page.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "aface/core/file.h"
#include "aface/image/image_file.h"
#include "aface/report/number_text.h"
#include "tests/image/pictures.h"
#include "tests/support/expect_error.h"
#include "tests/support/html_page.h"
#include "tests/support/temp_dir.h"

namespace aface {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr char kNasty[] = "<b>&\"x\"'</title><script>alert(1)</script>";

void write_picture(const test::TempDir& dir, const std::string& name) {
  const std::vector<unsigned char> bytes = encode_jpeg(test::smooth_picture(200, 160), 90);
  dir.write(name, std::string(bytes.begin(), bytes.end()));
}

// A run and an evaluation whose every text is hostile.
class ReportPage : public ::testing::Test {
 protected:
  ReportPage() {
    std::string metrics;
    for (int step = 10; step <= 1000; step += 10) {
      nlohmann::json line = {{"step", step},
                             {"loss", 8.0 - step * 0.005},
                             {"learning_rate", 0.1},
                             {"accuracy", step * 0.0009},
                             {"head/margin_mean", 0.3},
                             {"margin/margin_mean_1_2", 0.35},
                             {"margin/margin_mean_100_up", 0.1},
                             {"margin/one_minus_p_1_2", 0.5},
                             {"sampler/effective_samples", 100},
                             {"active_classes", 12},
                             {"softmax_mass_wrong", 0.5},
                             {kNasty, 1}};
      metrics += line.dump() + "\n";
    }
    dir.write("run/metrics.jsonl", metrics);
    dir.write("run/config.toml",
              "[data]\nsource = \"folder\"\nroot = \"" + dir.file("faces") + "\"\n[head]\nkind = '<i>&'\n");
    dir.write("run/summary.json", nlohmann::json({{"seed", 1},
                                                  {"data", {{"images", 22108}, {"identities", 2916}}},
                                                  {"this_session", {{"images_per_s", 134.59686470033384}}},
                                                  {"validation", {{"accuracy_mean", 0.8585123456789}}}})
                                      .dump());
    dir.write("run/margins.tsv", "identity\timages\tmargin\nAnn\t120\t0.1\nBob\t2\t0.35\n");
    dir.write("run/noise_suspects.tsv",
              "path\tidentity\tscore\nAnn/1.jpg\tAnn\t0.1\nAnn/none.jpg\tAnn\t0.2\n");
    for (const char* name : {"faces/Ann/1.jpg", "faces/Ann/2.jpg", "faces/Ann/3.jpg"})
      write_picture(dir, name);
    write_evaluation("lfw.json", kNasty);
  }

  void write_evaluation(const std::string& name, const std::string& model) {
    nlohmann::ordered_json json = {
        {"protocol", "pairs"}, {"model", model}, {"images", dir.file("chips")}, {"pairs", 6000}};
    json["figures"] = {{"accuracy", {{"value", 0.99783333333333335}, {"low", 0.9961}, {"high", 0.9987}}},
                       {"threshold_at_far/0.001", {{"value", 0.31415926}}},
                       {"tar_at_far/1e-06", {{"unmeasurable", kNasty}}}};
    json["score_histogram"] = {
        {"low", -1}, {"high", 1}, {"genuine", {0, 1, 5, 9}}, {"impostor", {9, 5, 0, 0}}};
    json["roc"] = {{0.001, 0.01, 1}, {0.5, 0.75, 1}};
    json["cmc"] = {{0, 1}, {0.5, 0.75}};
    json["worst_genuine"] = {{{"a", "Ann/1.png"}, {"b", kNasty}, {"score", -0.25}}};
    json["worst_impostor"] = {{{"a", "Ann/1.png"}, {"b", "Bob/1.jpg"}, {"score", 0.75}}};
    dir.write(name, json.dump());
    write_picture(dir, "chips/Ann/1.jpg");
    write_picture(dir, "chips/Bob/1.jpg");
  }

  Report report(std::vector<std::string> inputs, std::int64_t pictures = 20) const {
    ReportOptions options;
    options.inputs = std::move(inputs);
    options.pictures = pictures;
    return make_report(options);
  }

  // The exact values that stand in <data>.
  static std::vector<double> values_of(const std::string& html) {
    std::vector<double> values;
    for (const test::HtmlTag& tag : test::parse_page(html)) {
      if (tag.name == "data") values.push_back(std::stod(tag.attributes.at("value")));
    }
    return values;
  }

  test::TempDir dir;
};

TEST_F(ReportPage, IsWellFormedAndLoadsNothingWhateverTheTexts) {
  const Report page = report({dir.file("run"), dir.file("lfw.json")});
  const auto tags = test::parse_page(page.html);
  test::expect_self_contained(tags);
  EXPECT_THAT(page.html, Not(HasSubstr("<script")));
  EXPECT_THAT(page.html, Not(HasSubstr("http")));
  EXPECT_THAT(page.html, HasSubstr("&lt;i&gt;&amp;"));
  EXPECT_GT(tags.size(), 200u);
}

TEST_F(ReportPage, EverySectionThatHasDataIsThereAndLinked) {
  const Report page = report({dir.file("run"), dir.file("lfw.json")});
  for (const char* id : {"summary", "training", "margins", "classes", "sampling", "suspects", "figures",
                         "curves", "scores", "worst", "options", "other"}) {
    EXPECT_THAT(page.html, HasSubstr("<section id=\"" + std::string(id) + "\">")) << id;
    EXPECT_THAT(page.html, HasSubstr("<a href=\"#" + std::string(id) + "\">")) << id;
  }
  const Report only_evaluation = report({dir.file("lfw.json")});
  EXPECT_THAT(only_evaluation.html, Not(HasSubstr("id=\"training\"")));
  EXPECT_THAT(only_evaluation.html, HasSubstr("id=\"curves\""));
}

TEST_F(ReportPage, NumbersOfTheTablesAreThoseOfTheFilesToTheLastDigit) {
  const std::vector<double> values = values_of(report({dir.file("run"), dir.file("lfw.json")}).html);
  for (const double expected : {22108.0, 2916.0, 134.59686470033384, 0.8585123456789, 1000.0, 3.0, 0.9,
                                0.99783333333333335, 0.9961, 0.9987, 0.31415926, 6000.0, -0.25, 0.75}) {
    EXPECT_THAT(values, ::testing::Contains(expected));
  }
}

TEST_F(ReportPage, NumbersAreShownAsPeopleReadThem) {
  const std::string html = report({dir.file("run"), dir.file("lfw.json")}).html;
  for (const char* text : {">22,108<", ">85.85 %<", ">99.78 %<", ">0.3142<", ">134.6<"})
    EXPECT_THAT(html, HasSubstr(text));
}

TEST_F(ReportPage, MissingPicturesAreFramesAndOneWarning) {
  const Report page = report({dir.file("run"), dir.file("lfw.json")});
  // Two suspects and two photos beside each, four of pairs; missing: the second suspect and the hostile name.
  EXPECT_EQ(page.pictures, 1 + 2 * 2 + 3);
  ASSERT_EQ(page.warnings.size(), 1u);
  EXPECT_THAT(page.warnings[0], HasSubstr("2 of 10 pictures"));
  std::int64_t shown = 0, frames = 0;
  for (const test::HtmlTag& tag : test::parse_page(page.html)) {
    shown += tag.name == "img";
    const auto kind = tag.attributes.find("class");
    frames += kind != tag.attributes.end() && kind->second == "missing";
  }
  EXPECT_EQ(shown, page.pictures);
  EXPECT_EQ(frames, 2);
}

TEST_F(ReportPage, ADamagedPictureIsAFrameToo) {
  dir.write("chips/Bob/1.jpg", "no picture");
  const Report page = report({dir.file("lfw.json")});
  ASSERT_EQ(page.warnings.size(), 1u);
  EXPECT_THAT(page.warnings[0], HasSubstr("2 of 4"));
}

TEST_F(ReportPage, TheNumberOfPicturesIsBounded) {
  EXPECT_EQ(report({dir.file("run"), dir.file("lfw.json")}, 0).pictures, 0);
  const Report one = report({dir.file("run")}, 1);
  EXPECT_EQ(one.pictures, 1 + 2);
  EXPECT_TRUE(one.warnings.empty());
  EXPECT_THAT(one.html, HasSubstr("the worst 1 of 2"));
}

TEST_F(ReportPage, PicturesAreFoundWhereTheCallerSaysWhenTheDataHaveMoved) {
  std::filesystem::rename(dir.file("chips"), dir.file("moved"));
  EXPECT_EQ(report({dir.file("lfw.json")}).pictures, 0);
  ReportOptions options;
  options.inputs = {dir.file("lfw.json")};
  options.image_folders = {dir.file("moved")};
  EXPECT_EQ(make_report(options).pictures, 3);
}

TEST_F(ReportPage, APictureThatCouldBeTwoPeopleIsShownForNeither) {
  write_picture(dir, "flat/1.jpg");
  dir.write("e.json",
            R"({"figures": {}, "worst_impostor": [{"a": "Ann/1.jpg", "b": "Bob/1.jpg", "score": 0.5}]})");
  ReportOptions options;
  options.inputs = {dir.file("e.json")};
  options.image_folders = {dir.file("flat")};
  EXPECT_EQ(make_report(options).pictures, 0);
}

TEST_F(ReportPage, InputsOfOneNameAreToldApart) {
  write_evaluation("a/lfw.json", "m");
  write_evaluation("b/lfw.json", "m");
  const std::string html = report({dir.file("a/lfw.json"), dir.file("b/lfw.json")}).html;
  EXPECT_THAT(html, HasSubstr("<th scope=\"col\">a/<wbr>lfw</th><th scope=\"col\">b/<wbr>lfw</th>"));
  const std::string twice = report({dir.file("lfw.json"), dir.file("lfw.json")}).html;
  EXPECT_THAT(twice, HasSubstr("(1)</th>"));
  EXPECT_THAT(twice, HasSubstr("(2)</th>"));
}

TEST_F(ReportPage, RunsShareChartsAndOptionsThatDifferAreNamed) {
  std::filesystem::copy(dir.file("run"), dir.file("other"));
  dir.write("other/config.toml", "[head]\nkind = 'cosface'\n");
  const std::string html = report({dir.file("run"), dir.file("other")}).html;
  const std::size_t loss = html.find("<h3>Loss");
  const std::string figure = html.substr(loss, html.find("</figure>", loss) - loss);
  EXPECT_THAT(figure, HasSubstr("style=\"--c:var(--s0)\" d="));
  EXPECT_THAT(figure, HasSubstr("style=\"--c:var(--s1)\" d="));
  const std::size_t differing = html.find("Options that differ");
  ASSERT_NE(differing, std::string::npos);
  EXPECT_THAT(html.substr(differing, 600), HasSubstr("<td>&lt;i&gt;&amp;</td><td>cosface</td>"));
}

TEST_F(ReportPage, DifferencesOfAComparisonHaveTheirSign) {
  dir.write("compare.json",
            R"({"protocol": "pairs", "a": "x<1>.json", "b": "y.json", "differences": {"accuracy":
    {"a": 0.8, "b": 0.85, "difference": 0.05, "low": -0.01, "high": 0.09, "verdict": "no difference shown"}}})");
  const std::string html = report({dir.file("compare.json")}).html;
  test::expect_self_contained(test::parse_page(html));
  EXPECT_THAT(html, Not(HasSubstr("id=\"summary\"")));  // it has a section of its own
  for (const char* text :
       {"x&lt;1&gt;.json", ">+5.00<", ">-1.00<", ">+9.00<", "no difference shown", "percentage points"}) {
    EXPECT_THAT(html, HasSubstr(text));
  }
}

TEST_F(ReportPage, TheSameInputsGiveTheSameBytes) {
  EXPECT_EQ(report({dir.file("run"), dir.file("lfw.json")}).html,
            report({dir.file("run"), dir.file("lfw.json")}).html);
}

TEST_F(ReportPage, InputsThatAreNoneAreNamed) {
  EXPECT_THAT(test::error_of(ErrorKind::kUsage, [&] { report({}); }), HasSubstr("no input"));
  EXPECT_THAT(test::error_of(ErrorKind::kIo, [&] { report({dir.file("absent")}); }), HasSubstr("absent"));
  EXPECT_THAT(test::error_of(ErrorKind::kData, [&] { report({dir.file("faces")}); }),
              HasSubstr("no run directory"));
  EXPECT_THAT(test::error_of(ErrorKind::kFormat, [&] { report({dir.file("run/summary.json")}); }),
              HasSubstr("no evaluation"));
}

TEST(NumberText, IsWrittenForPeople) {
  EXPECT_EQ(count_text(0), "0");
  EXPECT_EQ(count_text(999), "999");
  EXPECT_EQ(count_text(1027060), "1,027,060");
  EXPECT_EQ(count_text(-1234), "-1,234");
  EXPECT_EQ(plain_text(17496.8), "17,497");
  EXPECT_EQ(plain_text(0.28597), "0.286");
  EXPECT_EQ(plain_text(1e20), "1e+20");
  EXPECT_EQ(share_text(0.99783), "99.78 %");
  EXPECT_EQ(share_text(NAN), "–");
  EXPECT_EQ(duration_words(4992.7), "1 h 23 min");
  EXPECT_EQ(duration_words(75), "1 min 15 s");
  EXPECT_EQ(readable_name("tar_at_far/0.001"), "TAR at FAR 0.001");
  EXPECT_EQ(readable_name("rank1"), "rank1");
  EXPECT_TRUE(is_share("tar_at_far/0.001"));
  EXPECT_FALSE(is_share("threshold_at_far/0.001"));
}

}  // namespace
}  // namespace aface
