#include "aface/serve/service.h"

#include <gmock/gmock.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <thread>

#include "aface/core/random.h"
#include "tests/serve/raw_client.h"
#include "tests/support/expect_error.h"
#include "tests/support/html_page.h"
#include "tests/support/temp_dir.h"

namespace aface::test {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;

constexpr std::size_t kDim = 16;

// "face of NAME..." is a photo of that person; several lines are several faces.
class FakeFaces : public FaceSource {
 public:
  GalleryModel model() const override { return {"fake-model", kDim}; }
  Result<std::vector<EmbeddedFace>> faces(Span<const unsigned char> photo) const override {
    std::string text(photo.begin(), photo.end());
    if (text == "slow") std::this_thread::sleep_for(std::chrono::milliseconds(500));
    if (text.rfind("face of ", 0) != 0)
      return Error(text == "nobody" || text == "slow" ? ErrorKind::kData : ErrorKind::kFormat,
                   "photo: not a face");
    std::vector<EmbeddedFace> found;
    while (!text.empty()) {
      const std::string line = text.substr(0, text.find('\n'));
      text.erase(0, line.size() + 1);
      EmbeddedFace face;
      face.face = Face{{1, 2, 30, 40}, {}, 0.9};
      face.chip = Image(8, 8);
      std::uint64_t seed = 1;
      for (const char c : line.substr(8, 3))
        seed = seed * 131 + static_cast<unsigned char>(c);  // three letters are the person
      Random person(seed), look(seed, line.size());
      double squares = 0;
      for (std::size_t i = 0; i < kDim; ++i) {
        face.embedding.push_back(static_cast<float>(person.normal() + 0.2 * look.normal()));
        squares += double(face.embedding.back()) * double(face.embedding.back());
      }
      for (float& value : face.embedding) value = static_cast<float>(value / std::sqrt(squares));
      found.push_back(std::move(face));
    }
    return found;
  }
};

std::string form(const std::vector<std::pair<std::string, std::string>>& parts) {
  std::string body;
  for (const auto& [name, content] : parts) {
    body += "--b\r\nContent-Disposition: form-data; name=\"" + name + "\"\r\n\r\n" + content + "\r\n";
  }
  return body + "--b--\r\n";
}
const std::string kForm = "Content-Type: multipart/form-data; boundary=b\r\n";

struct ServiceTest : ::testing::Test {
  void start(ServiceOptions options, bool with_gallery = true) {
    service =
        std::make_unique<Service>(std::make_unique<FakeFaces>(), with_gallery ? dir.file("g") : "", options);
    HttpServer::Options http;
    http.routes = service->routes([] { return 7; });
    http.gate = [this](const HttpRequest& head) { return service->gate(head); };
    http.answered = [this](const std::string&, const std::string& path, int status) {
      service->answered(path, status);
    };
    server = std::make_unique<HttpServer>(std::move(http));
    port = server->bind("127.0.0.1", 0);
    thread = std::thread([this] { server->run(); });
  }
  void TearDown() override {
    if (server == nullptr) return;
    server->stop();
    thread.join();
  }
  static ServiceOptions with_threshold() {
    ServiceOptions options;
    options.threshold = 0.7;
    return options;
  }
  json answer(const std::string& request, int status) const {
    const std::string reply = ask(port, request);
    EXPECT_EQ(status_of(reply), status) << request.substr(0, 200) << "\n" << reply.substr(0, 500);
    return json::parse(body_of(reply), nullptr, false);
  }
  json enrol(const std::string& person, const std::string& photo, int status = 201) const {
    return answer(post("/enrol?person=" + person, photo), status);
  }

  TempDir dir;
  std::unique_ptr<Service> service;
  std::unique_ptr<HttpServer> server;
  std::thread thread;
  int port = 0;
};

TEST_F(ServiceTest, TellsWhetherTwoPhotosShowOnePerson) {
  start(with_threshold());
  const auto verify = [&](const std::string& a, const std::string& b, const std::string& query = "") {
    return answer(post("/verify" + query, form({{"a", a}, {"b", b}}), kForm), 200);
  };
  json same = verify("face of ada 1", "face of ada 12");
  EXPECT_EQ(same["same"], true);
  EXPECT_GT(same["score"], 0.7);
  EXPECT_EQ(same["model"], "fake-model");
  EXPECT_EQ(same["a"]["faces"], 1);
  EXPECT_FALSE(same["a"].contains("chip"));
  EXPECT_FALSE(same["a"].contains("embedding"));
  EXPECT_EQ(verify("face of ada", "face of bob")["same"], false);
  EXPECT_EQ(verify("face of ada", "face of bob", "?threshold=-1")["same"], true);
  EXPECT_THAT(verify("face of ada", "face of bob", "?chips=1")["b"]["chip"].get<std::string>(),
              HasSubstr("data:image/jpeg;base64,/9j/"));
  EXPECT_EQ(verify("face of ada\nface of bob", "face of ada")["a"]["faces"], 2);
}

TEST_F(ServiceTest, EmbedsEveryFace) {
  start({});
  const json reply = answer(post("/embed", "face of ada\nface of bob"), 200);
  ASSERT_EQ(reply["faces"].size(), 2u);
  EXPECT_EQ(reply["faces"][0]["embedding"].size(), kDim);
  EXPECT_EQ(reply["faces"][1]["box"]["width"], 30);
  EXPECT_EQ(answer(post("/embed", form({{"photo", "face of ada"}}), kForm), 200)["faces"][0]["embedding"],
            reply["faces"][0]["embedding"]);
}

TEST_F(ServiceTest, WhoIsEnrolledIsIdentifiedAlsoAfterAnotherStart) {
  start(with_threshold());
  EXPECT_EQ(answer(post("/identify", "face of ada"), 200)["faces"][0]["verdict"], "unknown")
      << "an empty gallery";
  EXPECT_EQ(enrol("Ada%20L.", "face of ada")["added"], 1);
  EXPECT_EQ(enrol("Bob", "face of bob")["added"], 1);
  EXPECT_EQ(enrol("Bob", "face of bob", 200)["known"], 1);
  json reply = answer(post("/identify?top=2", "face of ada 123\nface of eve"), 200);
  EXPECT_EQ(reply["method"], "exact");
  EXPECT_EQ(reply["faces"][0]["people"][0]["person"], "Ada L.");
  EXPECT_EQ(reply["faces"][0]["people"].size(), 2u);
  EXPECT_EQ(reply["faces"][0]["verdict"], "match");
  EXPECT_EQ(reply["faces"][1]["verdict"], "unknown");
  EXPECT_EQ(answer(post("/identify?recall=1", "face of ada"), 200)["recall"], 1);

  TearDown();
  start(with_threshold());
  EXPECT_EQ(answer(post("/identify", "face of ada"), 200)["faces"][0]["people"][0]["person"], "Ada L.");
  EXPECT_EQ(answer(get("/health"), 200)["gallery"]["photos"], 2);
  // Another program takes somebody out.
  Gallery::open(dir.file("g")).remove("Ada L.");
  EXPECT_EQ(answer(post("/identify", "face of ada"), 200)["faces"][0]["verdict"], "unknown");
}

TEST_F(ServiceTest, WrongRequestsAreAnsweredWithTheReason) {
  start(with_threshold());
  enrol("Ada", "face of ada");
  EXPECT_THAT(answer(post("/embed", ""), 400)["error"], HasSubstr("no photo"));
  EXPECT_THAT(answer(post("/verify", form({{"a", "face of ada"}}), kForm), 400)["error"], HasSubstr("'b'"));
  EXPECT_THAT(answer(post("/verify", "face of ada"), 400)["error"], HasSubstr("'a'"));
  EXPECT_THAT(answer(post("/embed", "no picture"), 400)["error"], HasSubstr("not a face"));
  EXPECT_THAT(answer(post("/embed", "nobody"), 422)["error"], HasSubstr("photo"));
  EXPECT_THAT(answer(post("/identify?threshold=x", "face of ada"), 400)["error"],
              HasSubstr("threshold: 'x'"));
  EXPECT_THAT(answer(post("/identify?threshold=2", "face of ada"), 400)["error"], HasSubstr("from -1 to 1"));
  EXPECT_THAT(answer(post("/identify?top=0", "face of ada"), 400)["error"], HasSubstr("top"));
  EXPECT_THAT(answer(post("/identify?top=nan", "face of ada"), 400)["error"], HasSubstr("top"));
  EXPECT_THAT(answer(post("/enrol", "face of ada"), 400)["error"], HasSubstr("person"));
  EXPECT_THAT(answer(post("/enrol?person=a%0ab", "face of ada"), 400)["error"], HasSubstr("person"));
  EXPECT_THAT(enrol("Eve", "face of ada", 409)["error"], HasSubstr("as 'Ada'"));
  EXPECT_THAT(enrol("Eve", "face of ada\nface of bob", 422)["error"], HasSubstr("2 faces"));
  EXPECT_EQ(answer(get("/health"), 200)["gallery"]["photos"], 1) << "nothing came in";
}

TEST_F(ServiceTest, WithoutAGalleryNobodyIsIdentified) {
  start({}, false);
  EXPECT_THAT(answer(post("/identify", "face of ada"), 404)["error"], HasSubstr("no gallery"));
  enrol("Ada", "face of ada", 404);
  EXPECT_FALSE(answer(get("/health"), 200).contains("gallery"));
}

TEST_F(ServiceTest, AGalleryOfAnotherModelIsRefused) {
  Gallery::open_or_create(dir.file("g"), {"other-model", kDim});
  EXPECT_THAT(error_of(ErrorKind::kData, [&] { Service(std::make_unique<FakeFaces>(), dir.file("g"), {}); }),
              HasSubstr("other-model"));
}

TEST_F(ServiceTest, TheTokenIsAskedForEverythingButThePage) {
  ServiceOptions options;
  options.token = "0123456789abcdef";
  start(options);
  const std::string right = "Authorization: Bearer 0123456789abcdef\r\n";
  for (const std::string& wrong :
       {std::string(), std::string("Authorization: Bearer 0123456789abcdeX\r\n"),
        std::string("Authorization: 0123456789abcdef\r\n"), std::string("Authorization: Bearer \r\n")}) {
    EXPECT_THAT(answer(post("/embed", "face of ada", wrong), 401)["error"], HasSubstr("token"));
    answer(get("/metrics", wrong), 401);
    EXPECT_FALSE(answer(get("/health", wrong), 200).contains("model"));
  }
  answer(post("/embed", "face of ada", right), 200);
  EXPECT_EQ(answer(get("/health", right), 200)["model"], "fake-model");
  for (const char* path : {"/", "/page.css", "/page.js"})
    EXPECT_EQ(status_of(ask(port, get(path))), 200) << path;
}

// A page elsewhere could send a form to this machine, or have a name that leads here.
TEST_F(ServiceTest, PagesOfOtherOriginsAreRefused) {
  start({});
  answer(post("/embed", "face of ada", "Origin: http://evil.example\r\n"), 403);
  answer(post("/embed", "face of ada", "Origin: null\r\n"), 403);
  answer(post("/embed", "face of ada", "Origin: http://localhost\r\n"), 200);
  const auto under = [&](const std::string& host) {
    return status_of(ask(port, "GET /health HTTP/1.1\r\nHost: " + host + "\r\nConnection: close\r\n\r\n"));
  };
  EXPECT_EQ(under("evil.example"), 403);
  EXPECT_EQ(under("127.0.0.1.evil.example"), 403);
  EXPECT_EQ(under("127.evil"), 403);
  for (const std::string host : {"127.0.0.1:8080", "localhost:1", "[::1]:8080"})
    EXPECT_EQ(under(host), 200) << host;
}

TEST_F(ServiceTest, WhoWaitsTooLongForItsTurnIsTold) {
  ServiceOptions options;
  options.works = 1;
  options.wait_seconds = 0.05;
  start(options);
  const RawClient first(port);
  first.send(post("/embed", "slow"));
  std::this_thread::sleep_for(std::chrono::milliseconds(150));
  EXPECT_THAT(answer(post("/embed", "face of ada"), 503)["error"], HasSubstr("too much to do"));
  EXPECT_EQ(status_of(first.receive()), 422);
  answer(post("/embed", "face of ada"), 200);
}

TEST_F(ServiceTest, MetricsCountEveryAnswer) {
  start({});
  for (int i = 0; i < 3; ++i) answer(post("/embed", "face of ada"), 200);
  answer(post("/embed", "nobody"), 422);
  answer(get("/nowhere"), 404);
  const std::string text = body_of(ask(port, get("/metrics")));
  for (const char* line :
       {"aface_requests_total{endpoint=\"/embed\",code=\"200\"} 3\n",
        "aface_requests_total{endpoint=\"/embed\",code=\"422\"} 1\n",
        "aface_requests_total{endpoint=\"other\",code=\"404\"} 1\n",
        "aface_work_seconds_count{endpoint=\"/embed\"} 4\n",
        "aface_work_seconds_bucket{endpoint=\"/embed\",le=\"+Inf\"} 4\n", "aface_faces_total 3\n",
        "aface_gallery_photos 0\n", "aface_open_connections 7\n"}) {
    EXPECT_THAT(text, HasSubstr(line));
  }
}

TEST_F(ServiceTest, ThePageNeedsNothingFromElsewhere) {
  start({});
  const std::string reply = ask(port, get("/"));
  EXPECT_THAT(reply, HasSubstr("Content-Security-Policy: default-src 'none'"));
  std::vector<std::string> used;
  for (const HtmlTag& tag : parse_page(body_of(reply))) {
    for (const char* key : {"src", "href"}) {
      if (tag.attributes.count(key) > 0) used.push_back(tag.attributes.at(key));
    }
    for (const auto& [key, value] : tag.attributes) EXPECT_NE(key.rfind("on", 0), 0u) << key;
  }
  EXPECT_THAT(used, ::testing::UnorderedElementsAre("data:,", "/page.css", "/page.js"));
  for (const char* path : {"/page.css", "/page.js"})
    EXPECT_EQ(body_of(ask(port, get(path))).find("http"), std::string::npos) << path;
}

}  // namespace
}  // namespace aface::test
