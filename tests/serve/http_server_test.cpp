#include "aface/serve/http_server.h"

#include <gmock/gmock.h>

#include <atomic>
#include <thread>

#include "tests/serve/raw_client.h"
#include "tests/support/expect_error.h"

namespace aface::test {
namespace {

using ::testing::HasSubstr;
using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

// Echoes bodies; /slow takes its time, /bad throws.
class EchoServer {
 public:
  explicit EchoServer(const HttpLimits& limits = {}) {
    HttpServer::Options options;
    options.limits = limits;
    const auto echo = [this](const HttpRequest& request) {
      ++handled;
      std::string body = request.body;
      for (const auto& [name, value] : request.query) body += "[" + name + "=" + value + "]";
      for (const auto& [name, value] : request.parts) body += "{" + name + "=" + value + "}";
      return HttpReply{200, "text/plain", body, {}};
    };
    const auto slow = [](const HttpRequest&) {
      std::this_thread::sleep_for(std::chrono::milliseconds(400));
      return HttpReply{200, "text/plain", "late but there", {}};
    };
    const auto bad = [](const HttpRequest&) -> HttpReply { throw std::runtime_error("a secret"); };
    options.routes = {
        {"POST", "/echo", echo}, {"GET", "/echo", echo}, {"GET", "/slow", slow}, {"GET", "/bad", bad}};
    options.answered = [this](const std::string&, const std::string&, int status) {
      answered += status == 503 ? 0 : 1;
    };
    server_ = std::make_unique<HttpServer>(std::move(options));
    port = server_->bind("127.0.0.1", 0);
    thread_ = std::thread([this] { server_->run(); });
  }
  ~EchoServer() { stop(); }
  void stop() {
    server_->stop();
    if (thread_.joinable()) thread_.join();
  }
  void stop_soon() { server_->stop(); }
  int open() const { return server_->open_connections(); }

  int port = 0;
  std::atomic<int> handled{0}, answered{0};

 private:
  std::unique_ptr<HttpServer> server_;
  std::thread thread_;
};

TEST(HttpServer, GivesWhatWasSentToItsHandler) {
  EchoServer server;
  EXPECT_EQ(body_of(ask(server.port, post("/echo?x=1%202&y", "hello"))), "hello[x=1 2][y=]");
  const std::string form =
      "--b\r\nContent-Disposition: form-data; name=\"a\"; "
      "filename=\"f\"\r\n\r\nfirst\r\n--b\r\nContent-Disposition: "
      "form-data; name=\"c\"\r\n\r\nsecond\r\n--b--\r\n";
  const std::string reply =
      ask(server.port, post("/echo", form, "Content-Type: multipart/form-data; boundary=b\r\n"));
  EXPECT_EQ(body_of(reply), "{a=first}{c=second}");
}

TEST(HttpServer, KeepsAConnectionForManyRequests) {
  EchoServer server;
  const RawClient client(server.port);
  for (int i = 0; i < 50; ++i) {
    client.send("POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n\r\nabc");
    EXPECT_EQ(status_of(client.receive_answer()), 200) << i;
  }
  EXPECT_EQ(server.handled, 50);
}

TEST(HttpServer, AnswersWhatItCannotTakeAndGoesOn) {
  HttpLimits limits;
  limits.body_bytes = 1000;
  limits.request_seconds = 2;
  EchoServer server(limits);
  const auto with_length = [](const std::string& length) {
    return "POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: " + length + "\r\n\r\nabc";
  };
  const std::vector<std::pair<std::string, int>> cases = {
      {"nonsense\r\n\r\n", 400},
      {"GET\r\n\r\n", 400},
      {"GET /echo HTTP/9.9\r\n\r\n", 400},
      {get("/nowhere"), 404},
      {post("/slow", "x"), 404},
      {"GET /" + std::string(9000, 'a') + " HTTP/1.1\r\n\r\n", 414},
      {post("/echo", std::string(1001, 'x')), 413},
      {with_length("10000000000000"), 413},
      {with_length("99999999999999999999999999"), 400},
      {with_length("-1"), 400},
      {with_length("12abc"), 400},
      {"POST /echo HTTP/1.1\r\nHost: localhost\r\n\r\n", 411},
      {"POST /echo HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nffffffff\r\n", 411},
      {post("/echo", "abc", "Content-Encoding: gzip\r\n"), 415},
      {post("/echo", "--b\r\nnot a part", "Content-Type: multipart/form-data; boundary=b\r\n"), 400},
      {post("/echo", "x", "Content-Type: multipart/form-data\r\n"), 400},
      {get("/bad"), 500},
  };
  for (const auto& [request, status] : cases) {
    const auto start = Clock::now();
    const std::string reply = ask(server.port, request);
    EXPECT_EQ(status_of(reply), status) << request.substr(0, 80) << "\n" << reply;
    EXPECT_THAT(body_of(reply), HasSubstr("{\"error\":\""));
    EXPECT_EQ(reply.find("a secret"), std::string::npos);
    EXPECT_LT(seconds_since(start), 1.8) << "refused before it was read: " << request.substr(0, 80);
  }
  EXPECT_EQ(server.handled, 0);
  EXPECT_EQ(status_of(ask(server.port, post("/echo", std::string(1000, 'x')))), 200);
}

// More head than any client sends.
TEST(HttpServer, AFloodOfHeadersEndsTheConnection) {
  HttpLimits limits;
  limits.body_bytes = 1000;
  EchoServer server(limits);
  const RawClient client(server.port);
  client.send("GET /echo HTTP/1.1\r\n");
  bool taken = true;
  for (int i = 0; i < 3000 && taken; ++i)
    taken = client.send("X-Filler-" + std::to_string(i) + ": " + std::string(100, 'x') + "\r\n");
  const std::string reply = client.receive(5);
  EXPECT_NE(status_of(reply), 200);
  EXPECT_EQ(server.handled, 0);
  EXPECT_EQ(status_of(ask(server.port, get("/echo"))), 200);
}

TEST(HttpServer, ASlowClientIsAnsweredInTimeAndHoldsNobodyUp) {
  HttpLimits limits;
  limits.request_seconds = 0.7;
  limits.idle_seconds = 0.5;
  EchoServer server(limits);
  // Half a head and then nothing; a byte now and then, which no limit on single reads would end; half a body.
  for (const std::string start :
       {"GET /ec", "POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5000\r\n\r\nab"}) {
    const auto begin = Clock::now();
    EXPECT_EQ(status_of(ask(server.port, start)), 408) << start;
    EXPECT_LT(seconds_since(begin), 3);
  }
  const auto begin = Clock::now();
  {
    const RawClient dripping(server.port);
    dripping.send("GET /echo HTTP/1.1\r\n");
    std::string reply;
    for (int i = 0; i < 100 && reply.empty(); ++i) {
      dripping.send("x");
      reply = dripping.receive(0.05);
    }
    EXPECT_EQ(status_of(reply), 408);
  }
  EXPECT_LT(seconds_since(begin), 4);
  const RawClient silent(server.port);
  EXPECT_EQ(silent.receive(5), "") << "no request, no answer";
  EXPECT_LT(seconds_since(begin), 8);
  EXPECT_EQ(status_of(ask(server.port, get("/echo"))), 200);
}

TEST(HttpServer, AClientThatDoesNotReadIsLeft) {
  HttpLimits limits;
  limits.reply_seconds = 0.5;
  limits.body_bytes = 30 << 20;
  EchoServer server(limits);
  {
    const RawClient client(server.port);
    client.send(post("/echo", std::string(20 << 20, 'x')));
    for (int i = 0; i < 400 && (server.handled == 0 || server.open() > 0); ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    EXPECT_EQ(server.open(), 0);
  }
  EXPECT_EQ(status_of(ask(server.port, get("/echo"))), 200);
}

TEST(HttpServer, MoreConnectionsThanAllowedAreTurnedAway) {
  HttpLimits limits;
  limits.connections = 3;
  limits.idle_seconds = 30;
  EchoServer server(limits);
  {
    const RawClient a(server.port), b(server.port), c(server.port);
    for (int i = 0; i < 200 && server.open() < 3; ++i)
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    const std::string reply = ask(server.port, get("/echo"));
    EXPECT_EQ(status_of(reply), 503);
    EXPECT_THAT(reply, HasSubstr("Retry-After"));
    b.send(get("/echo"));
    EXPECT_EQ(status_of(b.receive()), 200) << "those that are in are served";
  }
  for (int i = 0; i < 200 && server.open() > 0; ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  EXPECT_EQ(status_of(ask(server.port, get("/echo"))), 200);
}

TEST(HttpServer, StopsWhenTheRequestsAtHandAreAnswered) {
  EchoServer server;
  const RawClient idle(server.port), busy(server.port);
  busy.send(get("/slow"));
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  const auto begin = Clock::now();
  server.stop();
  EXPECT_LT(seconds_since(begin), 2);
  EXPECT_EQ(body_of(busy.receive()), "late but there");
  EXPECT_FALSE(RawClient(server.port).connected());
}

TEST(HttpServer, EightClientsLoseNothing) {
  EchoServer server;
  std::atomic<int> right{0};
  std::vector<std::thread> clients;
  for (int c = 0; c < 8; ++c) {
    clients.emplace_back([&, c] {
      for (int i = 0; i < 100; ++i) {
        const std::string text =
            "client " + std::to_string(c) + " request " + std::to_string(i) + std::string(5000, '.');
        right += body_of(ask(server.port, post("/echo", text))) == text;
      }
    });
  }
  for (std::thread& client : clients) client.join();
  EXPECT_EQ(right, 800);
  EXPECT_EQ(server.handled, 800);
  EXPECT_EQ(server.answered, 800);
}

TEST(HttpServer, APortInUseIsSaid) {
  EchoServer server;
  HttpServer second{HttpServer::Options{}};
  EXPECT_THAT(error_of(ErrorKind::kIo, [&] { second.bind("127.0.0.1", server.port); }),
              HasSubstr("cannot listen there"));
}

TEST(HttpServer, KnowsTheLoopbackNetwork) {
  for (const std::string host : {"127.0.0.1", "127.8.9.10", "::1", "localhost"})
    EXPECT_TRUE(is_loopback(host)) << host;
  for (const std::string host : {"0.0.0.0", "::", "192.168.1.1", "8.8.8.8"})
    EXPECT_FALSE(is_loopback(host)) << host;
  error_of(ErrorKind::kUsage, [] { is_loopback("no such host"); });
}

}  // namespace
}  // namespace aface::test
