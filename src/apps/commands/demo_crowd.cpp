#include "apps/commands/demo_crowd.hpp"

#include <fmt/format.h>
#include <boost/asio/redirect_error.hpp>

#include <algorithm>
#include <cstdio>
#include <stdexcept>

#include "apps/commands/demo.hpp"
#include "base/random.hpp"
#include "wire/json/json.hpp"
#include "wire/json/json_writer.hpp"

namespace market::apps {
namespace {

constexpr std::int64_t accounts_max = 40;  ///< Each password costs the shop a twentieth of a second.
constexpr int accounts_at_once = 4;
constexpr int greetings = 5;      ///< Likewise, of a shop that has never answered.
constexpr int answers_max = 150;  ///< Questions again, one per 400 ms.
constexpr Millis pause_between{400};
constexpr Millis rush{2'500}, afterwards{30'000};

std::string credentials_body(const Credentials& account, const std::string& name = {}) {
  std::string body;
  wire::JsonWriter json(body);
  json.begin_object().member("email", account.email).member("password", account.password);
  if (!name.empty()) json.member("name", name);
  json.end_object();
  return body;
}

std::string text_of(const std::map<std::string, int>& ends) {
  std::string text;
  for (const auto& [end, count] : ends) text += fmt::format("{}{} {}", text.empty() ? "" : ", ", count, end);
  return text.empty() ? "nobody yet" : text;
}

}  // namespace

Crowd::Crowd(http::BaseUrl shop, const CrowdPlan& plan, const Clock& clock)
    : plan_(plan),
      clock_(clock),
      run_(fmt::format("{:x}", random_number())),
      shop_(io_.get_executor(), std::move(shop)),
      random_(random_number()),
      accounts_(std::min(plan.buyers, accounts_max)) {}

std::string Crowd::Answer::text(std::string_view name) const {
  const auto* object = body.if_object();
  const auto* found =
      object ? object->if_contains(boost::json::string_view(name.data(), name.size())) : nullptr;
  const auto* text = found ? found->if_string() : nullptr;
  return text ? std::string(text->data(), text->size()) : std::string();
}

asio::awaitable<void> Crowd::pause(Millis time) {
  asio::steady_timer timer(io_.get_executor(), time);
  boost::system::error_code ignored;
  co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
}

asio::awaitable<Crowd::Answer> Crowd::call(Call what) {
  Answer answer;
  for (int turn = 0; turn < answers_max; ++turn) {
    http::ClientRequest request;
    request.method = what.method;
    request.path = "api/v1/" + what.path;
    request.content_type = what.type;
    request.body = what.body;
    if (!what.token.empty()) request.headers.push_back(http::Header{"Authorization", "Bearer " + what.token});
    if (!what.key.empty()) request.headers.push_back(http::Header{"Idempotency-Key", what.key});
    const auto reply = co_await shop_.send(std::move(request));
    met_ = met_ || reply.has_value();
    if (!met_ && turn >= greetings) break;
    answer.status = reply ? reply->status : 0;
    auto json = wire::parse_json(reply && !reply->body.empty() ? reply->body : std::string("null"));
    answer.body = json ? std::move(*json) : boost::json::value();
    const bool early = answer.text("code") == "sale_not_open";
    if (reply && reply->status != 429 && reply->status != 503 && !early) co_return answer;
    co_await pause(pause_between);  // tidy: no Result.
  }
  co_return answer;
}

asio::awaitable<std::string> Crowd::sign_in(Credentials account) {
  Call what;
  what.path = "sessions";
  what.body = credentials_body(account);
  const auto answer = co_await call(std::move(what));
  if (answer.status == 201) co_return answer.text("accessToken");
  failure_ = answer.status == 0 ? shop_.base().text() + " does not answer: is `market serve --demo` there?"
                                : fmt::format(
                                      "{} cannot sign in: {} (is it `market serve --demo`? else set "
                                      "MARKET_ADMIN_EMAIL and MARKET_ADMIN_PASSWORD)",
                                      account.email, answer.text("detail"));
  co_return std::string();
}

asio::awaitable<void> Crowd::announce_drop(Credentials account) {
  const auto token = co_await sign_in(std::move(account));
  if (token.empty()) co_return;
  opens_at_ = clock_.now() + plan_.opens_in;
  Call what;
  what.path = "products";
  what.token = token;
  what.key = "demo-" + run_;
  wire::JsonWriter json(what.body);
  json.begin_object()
      .member("name", "Midnight Runner")
      .member("category", "sneakers")
      .member("kind", "event");
  json.member("description", "A drop for a crowd of simulated buyers: be faster than they are.");
  json.key("price").begin_object().member("amount", 129'000).member("currency", "KRW").end_object();
  json.member("stock", plan_.units).key("sale").begin_object();
  json.member("opensAt", format_rfc3339(opens_at_)).end_object().end_object();
  const auto answer = co_await call(std::move(what));
  product_ = answer.text("id");
  if (answer.status != 201) {
    failure_ = "the drop cannot be announced: " + answer.text("detail");
    co_return;
  }
  Call picture;
  picture.method = http::Method::put;
  picture.path = "products/" + product_ + "/image";
  picture.token = token;
  picture.type = "image/jpeg";
  picture.body = picture_of_the_crowds_drop();
  const auto shown = co_await call(std::move(picture));
  if (shown.status != 200) failure_ = "the drop's picture was refused: " + shown.text("detail");
}

asio::awaitable<void> Crowd::make_accounts() {
  while (next_account_ < accounts_) {
    const Credentials account{fmt::format("crowd-{}-{}@demo.example", run_, next_account_++),
                              fmt::format("crowd {} at the door", run_)};
    Call what;
    what.path = "users";
    what.body = credentials_body(account, "One of a crowd");
    const auto made = co_await call(std::move(what));
    if (made.status != 201 && made.text("code") != "email_taken") {  // Taken: by the first of two tries.
      failure_ = "no account can be made: " + made.text("detail");
      co_return;
    }
    const auto token = co_await sign_in(account);
    if (token.empty()) co_return;
    tokens_.push_back(token);
  }
}

asio::awaitable<void> Crowd::buyer(std::int64_t number, Millis arrival, double wish) {
  const Millis until_then = std::chrono::duration_cast<Millis>(opens_at_ - clock_.now()) + arrival;
  co_await pause(std::max(until_then, Millis(0)));  // tidy: no Result.
  Call order;
  order.path = "orders";
  order.token = tokens_[static_cast<std::size_t>(number) % tokens_.size()];
  order.key = fmt::format("{}-{}", run_, number);
  order.body = fmt::format(R"({{"items":[{{"productId":"{}","quantity":1}}]}})", product_);
  const std::string token = order.token;
  const auto placed = co_await call(std::move(order));
  if (placed.status != 201) {
    ++ends_[placed.status == 0 ? "no answer" : placed.text("code")];
    --still_here_;
    co_return;
  }
  ++ends_["got one"];
  co_await pause(Millis(500 + static_cast<std::int64_t>(wish * 7'000)));  // tidy: no Result.
  Call next;
  next.token = token;
  next.path = "orders/" + placed.text("id");
  if (wish < 0.8) {
    next.path += "/payment";
    next.key = fmt::format("pay-{}-{}", run_, number);
    next.body = R"({"method":"card","token":"ok"})";
  } else if (wish > 0.92) {
    next.path += "/cancel";
  }
  if (wish < 0.8 || wish > 0.92) {
    const auto done = co_await call(std::move(next));
    ++ends_[done.status == 200 ? done.text("state") : done.text("code")];
  } else {
    ++ends_["forgot to pay"];
  }
  --still_here_;
}

asio::awaitable<void> Crowd::say_what_happens() {
  while (still_here_ > 0) {
    co_await pause(Millis(2'000));  // tidy: no Result.
    const auto left = std::chrono::duration_cast<std::chrono::seconds>(opens_at_ - clock_.now()).count();
    if (left > 0)
      fmt::print("  opens in {} s\n", left);
    else
      fmt::print("  {}\n", text_of(ends_));
    std::fflush(stdout);
  }
}

void Crowd::run_all(const std::string& what) {
  io_.restart();
  io_.run();
  if (!failure_.empty()) throw std::runtime_error(what + ": " + failure_);
}

std::string Crowd::announce(const Credentials& operator_account) {
  tasks_.spawn(io_.get_executor(), announce_drop(operator_account));
  run_all("demo");
  return product_;
}

void Crowd::come() {
  for (int i = 0; i < accounts_at_once; ++i) tasks_.spawn(io_.get_executor(), make_accounts());
  run_all("demo");
  std::uniform_real_distribution<double> chance(0, 1);
  for (std::int64_t number = 0; number < plan_.buyers; ++number) {
    // Most come at once, the rest over half a minute.
    const double when = chance(random_);
    const bool hurries = chance(random_) < 0.6;
    const double arrival = hurries ? when * when * static_cast<double>(rush.count())
                                   : when * static_cast<double>(afterwards.count());
    ++still_here_;
    tasks_.spawn(io_.get_executor(),
                 buyer(number, Millis(static_cast<std::int64_t>(arrival)), chance(random_)));
  }
  tasks_.spawn(io_.get_executor(), say_what_happens());
  run_all("demo");
}

}  // namespace market::apps
