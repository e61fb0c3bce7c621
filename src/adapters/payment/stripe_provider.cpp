#include "adapters/payment/stripe_provider.hpp"

#include <curl/curl.h>
#include <fmt/format.h>

#include <boost/json.hpp>
#include <chrono>
#include <thread>

#include "adapters/payment/json_text.hpp"
#include "adapters/payment/stripe_amount.hpp"
#include "adapters/payment/token_sum.hpp"

namespace market::payment {
namespace {

constexpr std::size_t answer_bytes_max = 1 << 20;
/// Between two tries of a request that Stripe has no time for; doubles up to the second.
constexpr Millis busy_wait_first{250}, busy_wait_max{2'000};
constexpr long too_many_requests = 429;
constexpr std::string_view refund_done = "succeeded";
using Form = std::vector<std::pair<std::string, std::string>>;

struct EndEasy {
  void operator()(CURL* handle) const { curl_easy_cleanup(handle); }
};
struct EndList {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};

std::size_t keep(char* bytes, std::size_t size, std::size_t count, void* data) {
  auto& all = *static_cast<std::string*>(data);
  if (all.size() + size * count > answer_bytes_max) return 0;
  all.append(bytes, size * count);
  return size * count;
}

/// libcurl keeps the head and all trailers in memory, however many come.
std::size_t count_field(char*, std::size_t size, std::size_t count, void* bytes) {
  auto& all = *static_cast<std::size_t*>(bytes);
  all += size * count;
  return all > answer_bytes_max ? 0 : size * count;
}

int is_over(void* stopped, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  return static_cast<const std::atomic<bool>*>(stopped)->load() ? 1 : 0;
}

std::string encoded(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '-' || c == '_' || c == '.' || c == '~';
    if (plain)
      out += c;
    else
      out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
  }
  return out;
}

std::string form_of(const Form& form) {
  std::string out;
  for (const auto& [name, value] : form)
    out += fmt::format("{}{}={}", out.empty() ? "" : "&", encoded(name), encoded(value));
  return out;
}

std::int64_t number_at(const boost::json::value& value, std::string_view pointer) {
  boost::system::error_code error;
  const auto* found = value.find_pointer(pointer, error);
  return found != nullptr && found->is_int64() ? found->get_int64() : 0;
}

std::string lower(std::string_view letters) {
  std::string text(letters);
  for (char& c : text) c = static_cast<char>(c | 0x20);
  return text;
}

/// However often it is sent again.
tl::unexpected<Error> cannot_be_charged() {
  return fail(Code::order_not_payable, "the payment provider cannot take this amount of this currency");
}

tl::unexpected<Error> unknown_outcome(std::string why) {
  return fail(Code::unavailable, std::move(why));
}

}  // namespace

struct StripeProvider::Intent {
  std::string id, status, token_sum, currency;
  std::int64_t amount = 0;
  /// `at`: JSON pointer to one in an answer.
  static Intent in(const boost::json::value& body, const std::string& at) {
    return {text_at(body, at + "/id"), text_at(body, at + "/status"),
            text_at(body, at + "/metadata/token_sum"), text_at(body, at + "/currency"),
            number_at(body, at + "/amount")};
  }
};

struct StripeProvider::Call {
  std::string path;
  Form form;
  std::string idempotency_key;  ///< Empty: a GET.
};

struct StripeProvider::Answer {
  bool sent = true;  ///< False: nothing has left this machine.
  long status = 0;   ///< 0: there was no answer.
  boost::json::value body;
  std::string why;
};

StripeProvider::StripeProvider(StripeSettings settings, std::unique_ptr<ChargeBook> book, const Clock& clock,
                               std::function<void(const std::string&)> warn)
    : settings_(std::move(settings)), clock_(clock), warn_(std::move(warn)), book_(std::move(book)) {}

StripeProvider::Answer StripeProvider::call(const Call& what) const {
  Answer answer;
  const std::unique_ptr<CURL, EndEasy> easy(curl_easy_init());
  std::unique_ptr<curl_slist, EndList> headers;
  std::vector<std::string> lines{"Authorization: Bearer " + settings_.key, "Expect:"};
  if (!what.idempotency_key.empty()) lines.push_back("Idempotency-Key: " + what.idempotency_key);
  for (const std::string& line : lines) {
    curl_slist* longer = curl_slist_append(headers.get(), line.c_str());
    if (longer == nullptr || !easy) return {false, 0, {}, "no memory"};
    static_cast<void>(headers.release());
    headers.reset(longer);
  }
  CURL* const to = easy.get();
  const std::string body = form_of(what.form);
  const bool is_get = what.idempotency_key.empty();
  const std::string url = settings_.url + what.path + (is_get && !body.empty() ? '?' + body : std::string());
  std::string text;
  std::size_t field_bytes = 0;
  curl_easy_setopt(to, CURLOPT_URL, url.c_str());
  curl_easy_setopt(to, CURLOPT_PROTOCOLS_STR, "https,http");
  curl_easy_setopt(to, CURLOPT_FOLLOWLOCATION, 0L);
  curl_easy_setopt(to, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(to, CURLOPT_HTTPHEADER, headers.get());
  if (!is_get) {
    curl_easy_setopt(to, CURLOPT_POST, 1L);
    curl_easy_setopt(to, CURLOPT_POSTFIELDS, body.c_str());
  }
  curl_easy_setopt(to, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(settings_.connect_time_max.count()));
  curl_easy_setopt(to, CURLOPT_TIMEOUT_MS, static_cast<long>(settings_.answer_time_max.count()));
  curl_easy_setopt(to, CURLOPT_WRITEFUNCTION, &keep);
  curl_easy_setopt(to, CURLOPT_WRITEDATA, static_cast<void*>(&text));
  curl_easy_setopt(to, CURLOPT_HEADERFUNCTION, &count_field);
  curl_easy_setopt(to, CURLOPT_HEADERDATA, static_cast<void*>(&field_bytes));
  curl_easy_setopt(to, CURLOPT_NOPROGRESS, 0L);
  curl_easy_setopt(to, CURLOPT_XFERINFOFUNCTION, &is_over);
  curl_easy_setopt(to, CURLOPT_XFERINFODATA, const_cast<void*>(static_cast<const void*>(&stopped_)));
  const CURLcode code = curl_easy_perform(to);
  if (code != CURLE_OK) {
    answer.sent = code != CURLE_COULDNT_CONNECT && code != CURLE_COULDNT_RESOLVE_HOST &&
                  code != CURLE_SSL_CONNECT_ERROR && code != CURLE_PEER_FAILED_VERIFICATION;
    answer.why = curl_easy_strerror(code);
    return answer;
  }
  curl_easy_getinfo(to, CURLINFO_RESPONSE_CODE, &answer.status);
  boost::system::error_code broken;
  answer.body = boost::json::parse(text, broken);
  if (broken) answer.status = 0;  // A proxy's page, or half an answer.
  answer.why = broken ? std::string("the answer is not JSON")
                      : fmt::format("{} {}", answer.status, text_at(answer.body, "/error/code"));
  return answer;
}

/// Until Stripe has time for it: the Idempotency-Key makes one of all tries.
StripeProvider::Answer StripeProvider::call_patiently(const Call& what) const {
  const auto until = std::chrono::steady_clock::now() + settings_.answer_time_max;
  for (Millis wait = busy_wait_first;; wait = std::min(2 * wait, busy_wait_max)) {
    Answer answer = call(what);
    if (answer.status != too_many_requests || stopped_.load()) return answer;
    if (std::chrono::steady_clock::now() + wait >= until) return answer;
    std::this_thread::sleep_for(wait);
  }
}

bool StripeProvider::refuses_us(const Answer& answer) const {
  if (answer.status != 400 && answer.status != 401 && answer.status != 403) return false;
  warn_("Stripe refuses our requests: " + answer.why);
  return true;
}

/// An answer that is no success. Declined, or certainly not charged, only where Stripe says so.
Result<ChargeState> StripeProvider::refused(const Answer& answer) const {
  if (!answer.sent) return ChargeState::not_charged;
  const std::string type = text_at(answer.body, "/error/type");
  // Another request has this attempt's key: what became of that one decides.
  if (type == "idempotency_error") return unknown_outcome("Stripe has the attempt with another token");
  if (answer.status == 402 || type == "card_error") return ChargeState::declined;
  if (answer.status == 400 && (text_at(answer.body, "/error/param") == "payment_method" ||
                               text_at(answer.body, "/error/code") == "resource_missing"))
    return invalid_field("token", "format", "token is no payment method that Stripe knows");
  const std::string wrong = text_at(answer.body, "/error/param");
  if (answer.status == 400 && (wrong == "amount" || wrong == "currency")) {
    warn_(fmt::format("Stripe refuses an order's {}: {}", wrong, answer.why));
    return cannot_be_charged();
  }
  if (refuses_us(answer)) return ChargeState::not_charged;
  // Unlike a `lock_timeout`, nothing was begun.
  if (answer.status == too_many_requests && text_at(answer.body, "/error/code") == "rate_limit") {
    warn_("Stripe has no time for a payment: " + answer.why);
    return ChargeState::not_charged;
  }
  return unknown_outcome("Stripe did not answer: " + answer.why);
}

Result<ChargeState> StripeProvider::settle(AttemptId attempt, const Intent& intent) {
  if (intent.status == "succeeded") {
    Charge charge;
    charge.attempt = attempt;
    std::string letters = intent.currency;
    for (char& c : letters) c = static_cast<char>(c & ~0x20);
    charge.amount = amount_of_stripe(intent.amount, Currency::parse(letters).value_or(Currency()));
    charge.captured_at = clock_.now();
    charge.token_sum = intent.token_sum;
    const auto written = book_->record(charge);
    if (!written) return unknown_outcome("what Stripe said cannot be written down");
    return ChargeState::captured;
  }
  if (intent.status == "canceled" || intent.status == "requires_payment_method") return ChargeState::declined;
  if (intent.status == "requires_action" || intent.status == "requires_confirmation") {
    const Answer cancelled =
        call({"/v1/payment_intents/" + encoded(intent.id) + "/cancel", {}, "cancel-" + intent.id});
    if (cancelled.status == 200 && text_at(cancelled.body, "/status") == "canceled")
      return ChargeState::declined;
    return unknown_outcome("an intent that waits for its buyer was not cancelled: " + cancelled.why);
  }
  return ChargeState::unknown;  // `processing`.
}

Result<ChargeState> StripeProvider::charge_now(AttemptId attempt, Money amount, const std::string& token) {
  const std::string sum = sum_of(token);
  if (amount.amount == 0) return take_nothing(attempt, amount, sum);
  const auto sent = amount_for_stripe(amount);
  if (!sent) return cannot_be_charged();
  const Form form{{"amount", std::to_string(*sent)},
                  {"currency", lower(amount.currency.text())},
                  {"payment_method", token},
                  {"confirm", "true"},
                  {"automatic_payment_methods[enabled]", "true"},
                  {"automatic_payment_methods[allow_redirects]", "never"},
                  {"metadata[store]", settings_.store},
                  {"metadata[attempt]", attempt.text()},
                  {"metadata[token_sum]", sum}};
  const Answer answer = call_patiently({"/v1/payment_intents", form, settings_.store + '-' + attempt.text()});
  if (answer.status != 200) return refused(answer);
  Intent intent{text_at(answer.body, "/id"), text_at(answer.body, "/status"), sum,
                text_at(answer.body, "/currency"), number_at(answer.body, "/amount")};
  return settle(attempt, intent);
}

Result<StripeProvider::Intent> StripeProvider::find_intent(AttemptId attempt) const {
  const std::string query =
      fmt::format("metadata['attempt']:'{}' AND metadata['store']:'{}'", attempt.text(), settings_.store);
  const Answer answer = call({"/v1/payment_intents/search", {{"query", query}, {"limit", "1"}}, ""});
  if (answer.status != 200) {
    refuses_us(answer);
    return unknown_outcome("Stripe did not answer: " + answer.why);
  }
  if (text_at(answer.body, "/data/0/metadata/attempt") != attempt.text()) return Intent{};
  return Intent::in(answer.body, "/data/0");
}

/// As it is now: what the search finds may be a minute old, and an hour when Stripe is in trouble.
Result<StripeProvider::Intent> StripeProvider::read_intent(const std::string& id) const {
  const Answer answer = call({"/v1/payment_intents/" + encoded(id), {}, ""});
  if (answer.status != 200) {
    refuses_us(answer);
    return unknown_outcome("Stripe did not answer: " + answer.why);
  }
  return Intent::in(answer.body, "");
}

/// What costs nothing is no payment of Stripe's: the book alone tells of it.
Result<ChargeState> StripeProvider::take_nothing(AttemptId attempt, Money amount, const std::string& sum) {
  Charge charge;
  charge.attempt = attempt;
  charge.amount = amount;
  charge.captured_at = clock_.now();
  charge.token_sum = sum;
  const auto written = book_->record(charge);
  if (!written) return unknown_outcome("a payment of nothing cannot be written down");
  return ChargeState::captured;
}

Result<bool> StripeProvider::took_nothing(AttemptId attempt) const {
  const auto charge = book_->find(attempt);
  if (!charge) return fail(charge.error());
  return *charge && (*charge)->amount.amount == 0;
}

Result<ChargeState> StripeProvider::find_now(AttemptId attempt) {
  const auto nothing = took_nothing(attempt);
  if (!nothing) return fail(nothing.error());
  if (*nothing) return ChargeState::captured;
  auto intent = find_intent(attempt);
  if (!intent) return fail(intent.error());
  if (intent->id.empty()) return ChargeState::unknown;  // Also: it cannot be searched for yet.
  intent = read_intent(intent->id);
  if (!intent) return fail(intent.error());
  return settle(attempt, *intent);
}

Result<ChargedToken> StripeProvider::compare_now(AttemptId attempt, const std::string& token) {
  auto sum = book_->token_sum_of(attempt);
  if (!sum) return fail(sum.error());
  if (sum->empty()) {
    const auto intent = find_intent(attempt);
    if (!intent) return fail(intent.error());
    *sum = intent->token_sum;
  }
  if (sum->empty()) return ChargedToken::unknown;
  return *sum == sum_of(token) ? ChargedToken::same : ChargedToken::another;
}

Result<> StripeProvider::refund_now(AttemptId attempt) {
  const auto nothing = took_nothing(attempt);
  if (!nothing) return fail(nothing.error());
  if (*nothing) return book_->refund(attempt);
  const auto intent = find_intent(attempt);
  if (!intent) return fail(intent.error());
  if (intent->id.empty()) return unknown_outcome("Stripe cannot find the payment yet");
  // Asked first: what the Idempotency-Key answers again is what a refund was when it was made.
  const auto known = refunds_of(*intent);
  if (!known) return fail(known.error());
  std::string status = *known;
  if (status.empty()) {
    const Answer answer = call({"/v1/refunds",
                                {{"payment_intent", intent->id},
                                 {"metadata[store]", settings_.store},
                                 {"metadata[attempt]", attempt.text()}},
                                "refund-" + settings_.store + '-' + attempt.text()});
    status = answer.status == 200 ? text_at(answer.body, "/status") : answer.why;
    if (text_at(answer.body, "/error/code") == "charge_already_refunded") status = refund_done;
  }
  if (status == refund_done) return book_->refund(attempt);
  if (status == "pending" || status == "requires_action") return unknown_outcome("a refund is under way");
  warn_(fmt::format("Stripe does not refund a payment: {}, {}", intent->id, status));
  return unknown_outcome("Stripe did not make the refund");
}

/// What has become of an intent's refunds: `succeeded`, when all of it has gone back, whoever gave it; empty:
/// one can be made.
Result<std::string> StripeProvider::refunds_of(const Intent& intent) const {
  const Answer answer = call({"/v1/refunds", {{"payment_intent", intent.id}, {"limit", "100"}}, ""});
  if (answer.status != 200) {
    refuses_us(answer);
    return unknown_outcome("Stripe did not answer: " + answer.why);
  }
  std::int64_t given = 0;
  std::string under_way, failed;
  for (int i = 0; i < 100; ++i) {
    const std::string at = fmt::format("/data/{}", i);
    const std::string status = text_at(answer.body, at + "/status");
    if (status.empty()) break;
    if (status == refund_done)
      given += number_at(answer.body, at + "/amount");
    else if (status == "pending" || status == "requires_action")
      under_way = status;
    else if (failed.empty())
      failed = status;
  }
  if (given > 0 && given >= intent.amount) return std::string(refund_done);
  return under_way.empty() ? failed : under_way;
}

Result<> StripeProvider::accepts(const Money& amount, const std::string&) const {
  if (amount.amount == 0 || amount_for_stripe(amount)) return {};
  return cannot_be_charged();
}

Task<ChargeState> StripeProvider::charge(AttemptId attempt, Money amount, std::string token) {
  auto work = [this, attempt, amount, token = std::move(token)] {
    return charge_now(attempt, amount, token);
  };
  auto state = co_await pool_.run(std::move(work));
  if (!state && state.error().code == Code::overloaded) co_return ChargeState::not_charged;  // Never begun.
  co_return state;
}

Task<ChargeState> StripeProvider::find(AttemptId attempt) {
  return pool_.run([this, attempt] { return find_now(attempt); });
}

Task<ChargedToken> StripeProvider::compare(AttemptId attempt, std::string token) {
  return pool_.run([this, attempt, token = std::move(token)] { return compare_now(attempt, token); });
}

Task<> StripeProvider::refund(AttemptId attempt) {
  return pool_.run([this, attempt] { return refund_now(attempt); });
}

}  // namespace market::payment
