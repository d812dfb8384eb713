#include "aface/serve/http_server.h"

#include <arpa/inet.h>
#include <fmt/core.h>
#include <httplib.h>
#include <netdb.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <deque>
#include <exception>

#include "aface/core/error.h"
#include "aface/core/log.h"
#include "aface/serve/connection.h"

namespace aface {
namespace {

constexpr std::size_t kHeadBytes = 64 << 10;  // of a request, beside its body
constexpr std::size_t kRequestsOfAConnection = 10000;
constexpr double kLinger = 1;
constexpr double kShortLinger = 0.05;  // in the thread that accepts

std::string lower(std::string text) {
  for (char& c : text) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return text;
}

std::string error_body(const std::string& message) { return fmt::format("{{\"error\":\"{}\"}}\n", message); }

const char* reason_of(int status) {
  switch (status) {
    case 400:
      return "the request cannot be read";
    case 404:
      return "there is nothing at this address";
    case 408:
      return "the request took too long";
    case 413:
      return "the request is too large";
    case 414:
      return "the address is too long";
    default:
      return "the request failed";
  }
}

// Threads for connections, and no more connections than threads: a queue would only make clients wait for a
// refusal.
class ConnectionThreads : public httplib::TaskQueue {
 public:
  ConnectionThreads(int count, std::function<void(const std::function<void()>&)> refuse)
      : refuse_(std::move(refuse)) {
    for (int i = 0; i < count; ++i) threads_.emplace_back([this] { work(); });
  }

  void enqueue(std::function<void()> connection) override {
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      if (busy_ + waiting_.size() < threads_.size()) {
        waiting_.push_back(std::move(connection));
        there_is_one_.notify_one();
        return;
      }
    }
    refuse_(connection);
  }

  void shutdown() override {
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      ending_ = true;
    }
    there_is_one_.notify_all();
    for (std::thread& thread : threads_) thread.join();
  }

 private:
  void work() {
    std::unique_lock<std::mutex> lock(mutex_);
    for (;;) {
      there_is_one_.wait(lock, [&] { return ending_ || !waiting_.empty(); });
      if (waiting_.empty()) return;
      const std::function<void()> connection = std::move(waiting_.front());
      waiting_.pop_front();
      ++busy_;
      lock.unlock();
      connection();
      lock.lock();
      --busy_;
    }
  }

  std::function<void(const std::function<void()>&)> refuse_;
  std::mutex mutex_;
  std::condition_variable there_is_one_;
  std::deque<std::function<void()>> waiting_;
  std::vector<std::thread> threads_;
  std::size_t busy_ = 0;
  bool ending_ = false;
};

// What httplib reads from and writes to.
class BoundedStream : public httplib::Stream {
 public:
  explicit BoundedStream(Connection& connection) : connection_(connection) {}

  bool is_readable() const override { return connection_.is_readable(); }
  bool is_writable() const override { return connection_.is_writable(); }
  ssize_t read(char* out, std::size_t size) override { return connection_.read(out, size); }
  // What httplib has to say about a request that came too late is not sent: serve() says it better.
  ssize_t write(const char* data, std::size_t size) override {
    return connection_.is_late() ? -1 : connection_.write(data, size);
  }
  void get_remote_ip_and_port(std::string&, int&) const override {}
  void get_local_ip_and_port(std::string&, int&) const override {}
  socket_t socket() const override { return connection_.socket(); }

 private:
  Connection& connection_;
};

}  // namespace

class HttpServer::Implementation : public httplib::Server {
 public:
  explicit Implementation(HttpServer::Options options) : options_(std::move(options)) {
    const HttpLimits& limits = options_.limits;
    set_payload_max_length(limits.body_bytes);
    set_socket_options([](socket_t socket) {  // httplib's own would share the port with another server
      const int yes = 1;
      ::setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    });
    new_task_queue = [this] {
      return new ConnectionThreads(options_.limits.connections, [](const std::function<void()>& connection) {
        refusing_ = true;  // of the thread that accepts
        connection();
        refusing_ = false;
      });
    };
    set_pre_routing_handler([this](const httplib::Request& request, httplib::Response& response) {
      const HttpReply refusal = look_at_head(request);
      if (refusal.status == 200) return HandlerResponse::Unhandled;
      give(refusal, response);
      current().closes = true;  // its body stays unread
      return HandlerResponse::Handled;
    });
    set_error_handler([](const httplib::Request&, httplib::Response& response) {
      // A request that httplib itself could not take: nobody knows where the next one would begin.
      if (!current().is_handled) current().closes = true;
      if (response.body.empty())
        response.set_content(error_body(reason_of(response.status)), "application/json");
    });
    set_logger([this](const httplib::Request& request, const httplib::Response& response) {
      if (options_.answered && !current().connection->is_late())
        options_.answered(request.method, request.path, response.status);
    });
    for (const Route& route : options_.routes) {
      std::string pattern;
      for (const char c : route.path) pattern += c == '.' ? std::string("\\.") : std::string(1, c);
      const auto handle = [this, &route](const httplib::Request& request, httplib::Response& response) {
        answer(route, request, response);
      };
      route.method == "GET" ? Get(pattern, handle) : Post(pattern, handle);
    }
  }

  void listen() {
    started_ = true;
    if (!stopping_) listen_after_bind();
    done_ = true;
  }
  // httplib's stop() does nothing to a server that has not begun to listen: it would then never end.
  void end() {
    stopping_ = true;
    while (started_ && !done_ && !is_running()) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    stop();
  }
  int open_connections() const { return open_; }

 private:
  struct Current {
    Connection* connection = nullptr;
    bool is_handled = false;  // by a route
    bool closes = false;      // the connection, after this answer
  };
  static Current& current() {
    thread_local Current current;
    return current;
  }

  static HttpRequest request_of(const httplib::Request& from) {
    HttpRequest request;
    request.method = from.method;
    request.path = from.path;
    for (const auto& [name, value] : from.headers) request.headers.emplace(lower(name), value);
    for (const auto& [name, value] : from.params) request.query.emplace(name, value);
    return request;
  }

  static void give(const HttpReply& reply, httplib::Response& response) {
    response.status = reply.status;
    for (const auto& [name, value] : reply.headers) response.set_header(name.c_str(), value);
    response.set_content(reply.body, reply.type);
  }

  HttpReply look_at_head(const httplib::Request& from) const {
    const HttpRequest head = request_of(from);
    if (options_.gate) {
      HttpReply refusal = options_.gate(head);
      if (refusal.status != 200) return refusal;
    }
    const auto refuse = [](int status, const std::string& why) {
      return HttpReply{status, "application/json", error_body(why), {}};
    };
    const bool has_encoding = head.headers.count("content-encoding") > 0;
    if (has_encoding) return refuse(415, "send the body as it is, without Content-Encoding");
    if (head.headers.count("transfer-encoding") > 0)
      return refuse(411, "send a Content-Length, not a chunked body");
    const std::string length = head.header("content-length");
    if (length.empty()) {
      if (head.method == "GET" || head.method == "HEAD") return {};
      return refuse(411, "send a Content-Length");
    }
    if (length.size() > 18 || length.find_first_not_of("0123456789") != std::string::npos) {
      return refuse(400, "Content-Length is no number");
    }
    const std::size_t bytes = std::strtoull(length.c_str(), nullptr, 10);
    if (bytes > options_.limits.body_bytes) {
      return refuse(413,
                    fmt::format("the request is too large (at most {} bytes)", options_.limits.body_bytes));
    }
    return {};
  }

  void answer(const Route& route, const httplib::Request& from, httplib::Response& response) const {
    current().is_handled = true;
    HttpReply reply;
    try {
      HttpRequest request = request_of(from);
      request.body = from.body;
      for (const auto& [name, part] : from.files) request.parts.emplace(name, part.content);
      reply = route.handler(request);
    } catch (const std::exception& error) {
      log_line(LogLevel::kError, "serve", route.path + ": " + error.what());
      reply = {500, "application/json", error_body("internal error; the server's log says more"), {}};
    }
    give(reply, response);
    current().connection->start_reply(options_.limits.reply_seconds);
  }

  // httplib's own has a time limit for each read only: a client that sends a byte now and then would hold a
  // thread for ever.
  bool process_and_close_socket(socket_t socket) override {
    ++open_;
    Connection connection(socket);
    refusing_ ? turn_away(connection) : serve(connection);
    ::shutdown(socket, SHUT_RDWR);
    ::close(socket);
    --open_;
    return true;
  }

  void serve(Connection& connection) {
    const HttpLimits& limits = options_.limits;
    BoundedStream stream(connection);
    const auto is_stopping = [this] { return stopping_.load(); };
    for (std::size_t n = 1; n <= kRequestsOfAConnection; ++n) {
      if (!connection.wait_for_request(limits.idle_seconds, is_stopping)) break;
      connection.start_request(limits.request_seconds, limits.body_bytes + kHeadBytes);
      current() = {&connection, false, false};
      bool closed = false;
      const bool is_last = n == kRequestsOfAConnection || stopping_;
      bool ok = false;
      try {
        ok = process_request(stream, is_last, closed, nullptr);
      } catch (const std::exception& error) {  // of httplib's own parsing, memory among it
        log_line(LogLevel::kError, "serve", std::string("a request could not be read: ") + error.what());
      }
      if (connection.is_late()) {
        if (!connection.has_answered()) raw_answer(connection, 408, "Request Timeout");
        connection.linger(kLinger);
        break;
      }
      if (current().closes || !ok) connection.linger(kLinger);
      if (current().closes || closed || !ok) break;
    }
    current() = {};
  }

  void turn_away(Connection& connection) {
    raw_answer(connection, 503, "Service Unavailable");
    connection.linger(kShortLinger);
  }

  void raw_answer(Connection& connection, int status, const char* name) {
    const std::string body =
        error_body(status == 503 ? "too many connections; try again" : reason_of(status));
    const std::string text = fmt::format(
        "HTTP/1.1 {} {}\r\nContent-Type: application/json\r\nContent-Length: {}\r\nRetry-After: "
        "1\r\nConnection: close\r\n\r\n{}",
        status, name, body.size(), body);
    connection.start_reply(kLinger);
    connection.write(text.data(), text.size());
    if (options_.answered) options_.answered("", "", status);
  }

  const HttpServer::Options options_;
  std::atomic<bool> started_{false}, stopping_{false}, done_{false};
  std::atomic<int> open_{0};
  static thread_local bool refusing_;
};

thread_local bool HttpServer::Implementation::refusing_ = false;

HttpServer::HttpServer(Options options)
    : implementation_(std::make_unique<Implementation>(std::move(options))) {}
HttpServer::~HttpServer() = default;

int HttpServer::bind(const std::string& host, int port) {
  const int bound = port == 0                                   ? implementation_->bind_to_any_port(host)
                    : implementation_->bind_to_port(host, port) ? port
                                                                : -1;
  if (bound < 0) {
    throw Error(
        ErrorKind::kIo,
        fmt::format("{}:{}: cannot listen there; is the port in use, or the name not of this machine?", host,
                    port));
  }
  return bound;
}

void HttpServer::run() { implementation_->listen(); }
void HttpServer::stop() { implementation_->end(); }
int HttpServer::open_connections() const { return implementation_->open_connections(); }

bool is_loopback(const std::string& host) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* all = nullptr;
  if (::getaddrinfo(host.c_str(), nullptr, &hints, &all) != 0) {
    throw Error(ErrorKind::kUsage,
                fmt::format("{}: no such host; take 127.0.0.1, or an address of this machine", host));
  }
  bool loopback = true;
  for (const addrinfo* one = all; one != nullptr; one = one->ai_next) {
    if (one->ai_family == AF_INET) {
      const auto* address = reinterpret_cast<const sockaddr_in*>(one->ai_addr);
      loopback &= (ntohl(address->sin_addr.s_addr) >> 24) == 127;
    } else {
      loopback &= one->ai_family == AF_INET6 &&
                  IN6_IS_ADDR_LOOPBACK(&reinterpret_cast<const sockaddr_in6*>(one->ai_addr)->sin6_addr);
    }
  }
  ::freeaddrinfo(all);
  return loopback;
}

}  // namespace aface
