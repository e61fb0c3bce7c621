// The same sentences as in the table of api/openapi.yaml; a test compares them.
#include "http/message/problem_sentence.hpp"

#include <algorithm>
#include <array>
#include <charconv>

namespace market::http {
namespace {

struct Sentence {
  std::string_view code, korean, english;
};

constexpr auto sentences = std::to_array<Sentence>({
    {"bad_request", "요청이 올바르지 않습니다", "The request was not understood"},
    {"email_taken", "이미 가입된 이메일입니다", "This e-mail address is already registered"},
    {"email_unverified", "이메일 인증 후 구매할 수 있습니다", "Please verify your e-mail address first"},
    {"forbidden", "권한이 없습니다", "You may not do this"},
    {"idempotency_mismatch", "이미 처리된 요청입니다", "This request was made before"},
    {"insufficient_stock", "재고가 부족합니다", "Not enough left"},
    {"insufficient_storage", "잠시 후 다시 시도해 주세요", "Please try again later"},
    {"internal", "오류가 발생했습니다", "Something went wrong"},
    {"invalid_code", "인증 코드가 맞지 않거나 만료되었습니다", "The code is wrong or has expired"},
    {"invalid_credentials", "이메일 또는 비밀번호가 맞지 않습니다", "Wrong e-mail address or password"},
    {"invalid_json", "요청이 올바르지 않습니다", "The request was not understood"},
    {"limit_exceeded", "1인당 구매 한도를 초과했습니다", "You have reached the limit per buyer"},
    {"list_full", "더 담을 수 없습니다", "No room for more"},
    {"not_acceptable", "지원하지 않는 형식입니다", "This format is not supported"},
    {"not_found", "찾을 수 없습니다", "Not found"},
    {"order_not_cancellable", "취소할 수 없는 주문입니다", "This order cannot be cancelled"},
    {"order_not_found", "주문을 찾을 수 없습니다", "Order not found"},
    {"order_not_movable", "주문 상태를 변경할 수 없습니다", "This order cannot take this step"},
    {"order_not_payable", "결제할 수 없는 주문입니다", "This order cannot be paid"},
    {"order_not_refundable", "환불할 수 없는 주문입니다", "This order cannot be refunded"},
    {"order_not_returnable", "반품할 수 없는 주문입니다", "This order cannot be returned"},
    {"overloaded", "접속자가 많습니다. 잠시 후 다시 시도해 주세요",
     "Very busy; please try again in a moment"},
    {"payload_too_large", "파일이나 내용이 너무 큽니다", "This is too large"},
    {"payment_declined", "결제가 승인되지 않았습니다", "The payment was declined"},
    {"precondition_failed", "다른 곳에서 변경되었습니다. 새로고침해 주세요",
     "Somebody has changed this; please reload"},
    {"precondition_required", "새로고침한 뒤 다시 시도해 주세요", "Please reload and try again"},
    {"product_not_found", "상품을 찾을 수 없습니다", "This product is not available"},
    {"products_for_sale", "판매 중인 상품이 있습니다. 먼저 판매를 거둬 주세요",
     "You have products for sale; withdraw them first"},
    {"rate_limited", "잠시 후 다시 시도해 주세요", "Please try again later"},
    {"recovering", "잠시 후 다시 시도해 주세요", "Please try again in a moment"},
    {"sale_closed", "판매가 종료되었습니다", "The sale is closed"},
    {"sale_not_open", "아직 판매가 시작되지 않았습니다", "The sale has not started yet"},
    {"service_unavailable", "잠시 후 다시 시도해 주세요", "Please try again in a moment"},
    {"session_revoked", "다시 로그인해 주세요", "Please sign in again"},
    {"sold_out", "품절되었습니다", "Sold out"},
    {"unauthenticated", "로그인해 주세요", "Please sign in"},
    {"unavailable", "처리 결과를 확인하고 있습니다. 다시 시도해 주세요",
     "Please try again; nothing is charged twice"},
    {"unsupported_media_type", "지원하지 않는 형식입니다", "This format is not supported"},
    {"validation", "입력한 내용을 확인해 주세요", "Please check what you entered"},
});
static_assert(std::is_sorted(sentences.begin(), sentences.end(),
                             [](const Sentence& a, const Sentence& b) { return a.code < b.code; }));

/// For codes that are the status's own words.
constexpr Sentence other{"", "요청을 처리할 수 없습니다", "The request could not be handled"};

const Sentence& sentence_of(std::string_view code) {
  const auto* found =
      std::lower_bound(sentences.begin(), sentences.end(), code,
                       [](const Sentence& each, std::string_view name) { return each.code < name; });
  return found != sentences.end() && found->code == code ? *found : other;
}

/// `q=0.8` in thousandths; a range without one counts fully, and one that is wrong not at all.
int weight_of(std::string_view parameters) {
  const auto at = parameters.find("q=");
  if (at == std::string_view::npos) return 1'000;
  double weight = 0;
  const char* const end = parameters.data() + parameters.size();
  const auto [stop, error] = std::from_chars(parameters.data() + at + 2, end, weight);
  if (error != std::errc() || stop == parameters.data() + at + 2 || weight < 0 || weight > 1) return 0;
  return static_cast<int>(weight * 1'000);
}

}  // namespace

Language language_of(std::string_view accept_language) {
  int korean = 0, english = 0;
  bool korean_first = false;
  while (!accept_language.empty()) {
    const auto comma = std::min(accept_language.find(','), accept_language.size());
    std::string_view range = accept_language.substr(0, comma);
    accept_language.remove_prefix(std::min(comma + 1, accept_language.size()));
    range.remove_prefix(std::min(range.find_first_not_of(" \t"), range.size()));
    const auto semicolon = std::min(range.find(';'), range.size());
    const int weight = weight_of(range.substr(semicolon));
    const auto tag = range.substr(0, range.find_first_of("-; \t"));
    const auto is = [tag](std::string_view language) {
      return std::equal(tag.begin(), tag.end(), language.begin(), language.end(),
                        [](char a, char b) { return (a | 0x20) == b; });
    };
    if (is("ko")) {
      korean_first = korean_first || english == 0;
      korean = std::max(korean, weight);
    } else if (is("en")) {
      english = std::max(english, weight);
    }
  }
  return korean > english || (korean == english && korean > 0 && korean_first) ? Language::korean
                                                                               : Language::english;
}

std::string_view sentence_for(std::string_view code, Language language) {
  const Sentence& sentence = sentence_of(code);
  return language == Language::korean ? sentence.korean : sentence.english;
}

void add_sentence(std::string& problem, std::string_view accept_language) {
  constexpr std::string_view before = R"("code":")";
  const auto at = problem.find(before);
  if (at == std::string::npos || problem.back() != '}') return;
  const auto begin = at + before.size();
  const std::string_view code = std::string_view(problem).substr(begin, problem.find('"', begin) - begin);
  const std::string_view sentence = sentence_for(code, language_of(accept_language));
  problem.pop_back();
  problem.append(R"(,"message":")").append(sentence).append("\"}");  // Nothing in ours needs escaping.
}

}  // namespace market::http
