#include "aface/config/config_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <thread>

#include "aface/config/config_writer.h"
#include "aface/core/error.h"
#include "aface/core/random.h"
#include "tests/support/temp_dir.h"

namespace aface {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

// The message of the Error that `action` throws, after checking its kind and that it is one line.
template <class Action>
std::string message_of(Action action, ErrorKind kind = ErrorKind::kUsage) {
  try {
    action();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), kind) << error.what();
    EXPECT_THAT(error.what(), Not(HasSubstr("\n")));
    return error.what();
  }
  ADD_FAILURE() << "no error";
  return "";
}

std::string message_of_text(const std::string& text) {
  return message_of([&] { parse_config(text, "run.toml"); });
}

std::string message_of_override(const std::string& override) {
  return message_of([&] { load_config({}, {override}); });
}

TEST(ConfigReader, EmptyTextGivesTheDefaults) {
  const RunConfig config = parse_config("", "run.toml");
  EXPECT_EQ(config.head.kind, HeadOptions().kind);
  EXPECT_EQ(config.train.steps, TrainOptions().steps);
  EXPECT_EQ(config.optimizer.milestones, OptimizerOptions().milestones);
}

TEST(ConfigReader, ReadsEveryTypeOfOption) {
  const RunConfig config = parse_config(
      "[train]\nsteps = 7\nbf16 = true\n[head]\nlogit_scale = 24.5\nkind = 'arcface'\n"
      "[optimizer]\nmilestones = [0.25, 1]\n",
      "run.toml");
  EXPECT_EQ(config.train.steps, 7);
  EXPECT_TRUE(config.train.bf16);
  EXPECT_EQ(config.head.logit_scale, 24.5);
  EXPECT_EQ(config.head.kind, "arcface");
  EXPECT_THAT(config.optimizer.milestones, ElementsAre(0.25, 1.0));
}

TEST(ConfigReader, WholeNumberStandsForANumberButNotTheReverse) {
  EXPECT_EQ(parse_config("[head]\nlogit_scale = 30\n", "run.toml").head.logit_scale, 30.0);
  EXPECT_THAT(message_of_text("[train]\nsteps = 100.0\n"),
              HasSubstr("run.toml:2:9: train.steps must be a whole number, got 100"));
}

TEST(ConfigReader, UnknownKeyNamesPlaceAndClosestName) {
  EXPECT_EQ(message_of_text("[head]\nkind = 'cosface'\n  margn_init = 0.2\n"),
            "run.toml:3:3: unknown option 'margn_init' in [head]; did you mean 'margin_init'?");
}

TEST(ConfigReader, KeyOfAnotherTableIsPointedOut) {
  EXPECT_THAT(message_of_text("[head]\nlearning_rate = 0.2\n"),
              HasSubstr("did you mean optimizer.learning_rate?"));
  EXPECT_THAT(
      message_of_text("steps = 5\n"),
      AllOf(HasSubstr("run.toml:1:1: option 'steps' stands outside a table"), HasSubstr("train.steps")));
}

TEST(ConfigReader, UnknownTableNamesPlaceAndClosestName) {
  EXPECT_EQ(message_of_text("\n[hed]\nkind = 'cosface'\n"),
            "run.toml:2:2: unknown table 'hed'; did you mean 'head'?");
  EXPECT_THAT(message_of_text("[temperature]\n"), HasSubstr("there are: data, augment"));
}

TEST(ConfigReader, WrongTypesAreErrors) {
  EXPECT_THAT(message_of_text("[head]\nlogit_scale = '32'\n"),
              HasSubstr("run.toml:2:15: head.logit_scale must be a number, got the text '32'"));
  EXPECT_THAT(message_of_text("[train]\nbf16 = 1\n"), HasSubstr("train.bf16 must be true or false, got 1"));
  EXPECT_THAT(message_of_text("[train]\nsteps = true\n"), HasSubstr("must be a whole number, got true"));
  EXPECT_THAT(message_of_text("[head]\nkind = 3\n"), HasSubstr("head.kind must be text, got 3"));
  EXPECT_THAT(message_of_text("[head]\nkind = {a = 1}\n"), HasSubstr("got a table"));
  EXPECT_THAT(message_of_text("[data]\nroot = 1979-05-27\n"), HasSubstr("got a date or time"));
  EXPECT_THAT(message_of_text("[optimizer]\nmilestones = 0.5\n"),
              HasSubstr("must be a list of numbers, got 0.5"));
  EXPECT_THAT(message_of_text("[optimizer]\nmilestones = [0.5, 'x']\n"), HasSubstr("got a list"));
  EXPECT_THAT(message_of_text("head = 3\n"), HasSubstr("[head] must be a table, got 3"));
  EXPECT_THAT(message_of_text("[[head]]\nkind = 'cosface'\n"),
              HasSubstr("[head] must be a table, got a list"));
}

TEST(ConfigReader, ValuesOutOfRangeNameTheRange) {
  EXPECT_THAT(message_of_text("[optimizer]\nlearning_rate = -0.1\n"),
              HasSubstr("run.toml:2:17: optimizer.learning_rate must be 0 to 1000, got -0.1"));
  EXPECT_THAT(message_of_text("[train]\nsteps = 0\n"), HasSubstr("train.steps must be at least 1, got 0"));
  EXPECT_THAT(message_of_text("[head]\nmargin_init = nan\n"), HasSubstr("got nan"));
  EXPECT_THAT(message_of_text("[train]\nmax_gradient_norm = inf\n"), HasSubstr("got inf"));
  EXPECT_THAT(message_of_text("[optimizer]\nmilestones = [0.5, 1.5]\n"),
              HasSubstr("every entry must be 0 to 1, got 1.5"));
}

TEST(ConfigReader, UnknownChoiceListsAllAndTheClosest) {
  EXPECT_THAT(message_of_text("[head]\nkind = 'arcfase'\n"),
              AllOf(HasSubstr("must be one of: softmax, sphereface, cosface, arcface, adaptive_margin"),
                    HasSubstr("got 'arcfase'; did you mean 'arcface'?")));
}

TEST(ConfigReader, AllProblemsOfAFileComeTogether) {
  const std::string message = message_of_text("[head]\nkind = 1\nfoo = 2\n[train]\nsteps = -1\n[nowhere]\n");
  EXPECT_THAT(message, AllOf(HasSubstr("head.kind"), HasSubstr("'foo'"), HasSubstr("train.steps"),
                             HasSubstr("'nowhere'"), HasSubstr("; ")));
}

TEST(ConfigReader, SyntaxErrorsNameTheLine) {
  EXPECT_THAT(message_of_text("[head]\nkind = \n"), HasSubstr("run.toml:2:"));
  EXPECT_THAT(message_of_text("[head]\nkind = 'a'\nkind = 'b'\n"), HasSubstr("run.toml:3:"));
  EXPECT_THAT(message_of_text("[data]\nroot = \"\xff\xfe\"\n"), HasSubstr("not valid TOML"));
}

TEST(ConfigReader, StrangeNamesAreShownEscapedAndCut) {
  EXPECT_THAT(message_of_text("[head]\n\"a\\nb\" = 1\n"), HasSubstr("'a\\x0ab'"));
  EXPECT_LT(message_of_text("[head]\n" + std::string(5000, 'k') + " = 1\n").size(), 1000u);
}

TEST(ConfigReader, LaterFilesAndOverridesWin) {
  const test::TempDir dir;
  const auto a = dir.write("a.toml", "[train]\nsteps = 1\nseed = 1\nbatch_size = 11\n");
  const auto b = dir.write("b.toml", "[train]\nsteps = 2\nseed = 2\n");
  const RunConfig config = load_config({a, b}, {"train.steps=3", "train.steps = 4"});
  EXPECT_EQ(config.train.steps, 4);
  EXPECT_EQ(config.train.seed, 2);
  EXPECT_EQ(config.train.batch_size, 11);
}

TEST(ConfigReader, OverridesTakeTextWithoutQuotes) {
  const RunConfig config =
      load_config({}, {"head.kind=arcface", "data.root=my photos/a=b", "data.list=\"q\\tx\"",
                       "train.bf16=true", "optimizer.milestones=[0.1, 0.2]", "validation.pairs="});
  EXPECT_EQ(config.head.kind, "arcface");
  EXPECT_EQ(config.data.root, "my photos/a=b");
  EXPECT_EQ(config.data.list, "q\tx");
  EXPECT_TRUE(config.train.bf16);
  EXPECT_THAT(config.optimizer.milestones, ElementsAre(0.1, 0.2));
  EXPECT_EQ(config.validation.pairs, "");
}

TEST(ConfigReader, WrongOverridesAreErrors) {
  EXPECT_THAT(message_of_override("train.steps"), HasSubstr("must have the form table.key=value"));
  EXPECT_THAT(message_of_override("steps=3"), HasSubstr("must have the form table.key=value"));
  EXPECT_THAT(message_of_override("train.step=3"), HasSubstr("did you mean 'steps'?"));
  EXPECT_THAT(message_of_override("tran.steps=3"), HasSubstr("did you mean 'train'?"));
  EXPECT_THAT(message_of_override("train.steps=many"), HasSubstr("must be a whole number, got 'many'"));
  EXPECT_THAT(message_of_override("train.steps="), HasSubstr("must be a whole number, got ''"));
  EXPECT_THAT(message_of_override("optimizer.learning_rate=-1"), HasSubstr("must be 0 to 1000, got -1"));
  EXPECT_THAT(message_of_override("train.steps=3\nx=4"), HasSubstr("takes one value"));
  EXPECT_THAT(message_of_override("data.root=\xff"), HasSubstr("data.root must be text"));
}

TEST(ConfigReader, FilesThatAreNoConfigurationAreErrors) {
  const test::TempDir dir;
  const auto load = [](const std::string& path) { return [path] { load_config({path}, {}); }; };
  EXPECT_THAT(message_of(load(dir.path()), ErrorKind::kIo), HasSubstr("is a folder"));
  EXPECT_THAT(message_of(load(dir.file("none.toml")), ErrorKind::kIo), HasSubstr("none.toml: cannot open"));
  EXPECT_THAT(message_of(load("/dev/zero")), HasSubstr("larger than 1 MiB"));
  const auto deep = dir.write("deep.toml", "[head]\nkind = " + std::string(500000, '[') + "\n");
  EXPECT_THAT(message_of(load(deep)), HasSubstr("deep.toml:2:"));
}

TEST(ConfigReader, DamagedTextGivesAnErrorOfOneLineOrAValidConfig) {
  const std::string whole = to_toml(RunConfig(), TomlStyle::kDocumented);
  int refused = 0;
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    SCOPED_TRACE(seed);
    Random random(seed);
    std::string text = whole.substr(0, static_cast<std::size_t>(random.below(whole.size()) + 1));
    for (int i = 0; i < 5; ++i) text[random.below(text.size())] = static_cast<char>(random.below(256));
    try {
      parse_config(text, "damaged.toml");
    } catch (const Error& error) {  // any other exception fails the test
      ++refused;
      EXPECT_EQ(error.kind(), ErrorKind::kUsage);
      EXPECT_EQ(std::string(error.what()).find('\n'), std::string::npos) << error.what();
      EXPECT_EQ(std::string(error.what()).rfind("damaged.toml:", 0), 0u) << error.what();
    }
  }
  EXPECT_GT(refused, 150);
}

TEST(ConfigReader, ReadsFromAPipe) {
  const test::TempDir dir;
  const std::string path = dir.file("pipe");
  ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
  std::thread writer([&] { std::ofstream(path) << "[train]\nsteps = 9\n"; });
  EXPECT_EQ(load_config({path}, {}).train.steps, 9);
  writer.join();
}

}  // namespace
}  // namespace aface
