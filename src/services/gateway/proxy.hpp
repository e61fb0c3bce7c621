#pragma once
/// The gateway's handler: finds the route, applies its policies, forwards, retries where that is safe.
///
///   Proxy proxy({balancer, authenticator, access_log, clock}, config);
///   router.set_fallback([&](const Request& r) { return proxy.handle(r); }, proxy.options());

#include <array>
#include <atomic>
#include <memory>

#include "http/server/access_log.hpp"
#include "http/server/router.hpp"
#include "services/auth/authenticator.hpp"
#include "services/gateway/balancer.hpp"
#include "services/gateway/coalescer.hpp"
#include "services/gateway/event_fan.hpp"
#include "services/gateway/gateway_config.hpp"
#include "services/gateway/rate_limiter.hpp"
#include "services/gateway/retry_budget.hpp"

namespace market::http {
struct Call;
struct ResponseHead;
}  // namespace market::http

namespace market::gateway {

struct ProxyParts {
  Balancer& balancer;
  const auth::Authenticator* authenticator;  ///< Null: services alone check tokens, or set later.
  http::AccessLog& access_log;
  const Clock& clock;
};

/// A long answer, piece by piece at the client's pace.
Task<> pass_on(std::shared_ptr<http::AnswerStream> from, http::Stream& to);
http::Reply refusal(Code code, const char* detail, const http::Request& request, int retry_after = 0);
/// Of what may have been done.
http::Reply unknown_outcome(http::Status status, std::string_view detail, const http::Request& request);
/// 404, or the answer to a preflight.
http::Reply nothing_here(const GatewayConfig& config, const http::Request& request);
bool is_event_stream(const http::ResponseHead& head);
bool is_sampled(const http::Request& request, const GatewayConfig& config, std::uint64_t random);
/// Under which key this request may share an event stream with others; empty: it may not.
std::string fan_key_of(const http::Request& request, const Route& route);

/// Paying is what has cost the buyer most already: shed last. It calls a provider, so it may take long.
bool is_paying(const http::Request& request);

class Proxy {
 public:
  /// `name`: no other gateway's.
  Proxy(ProxyParts parts, std::shared_ptr<const GatewayConfig> config, std::string name);

  Task<http::Reply> handle(const http::Request& request);
  http::RouteOptions options();
  /// The same filters before a handler of this process, which stands at their end instead of an instance.
  http::Handler before(http::Handler handler);
  /// Requests under way end with the old one.
  void apply(std::shared_ptr<const GatewayConfig> config);
  std::shared_ptr<const GatewayConfig> config() const { return config_.load(); }
  /// When the keys come later than the start. It outlives the proxy.
  void set_authenticator(const auth::Authenticator& authenticator) { authenticator_.store(&authenticator); }
  /// Services that routes lead to and that have no instance.
  std::vector<std::string> missing_services() const;
  /// What browsers of other origins may read, for answers that the server gives by itself.
  void add_cors(const http::Request& request, http::Reply& reply) const;
  /// Whether the settings lead a request elsewhere for whose path there is a handler here: what that would
  /// say of its method, query or body is nobody's concern then.
  bool leads_away(const http::Request& request) const;

  struct Counts {
    std::atomic<std::uint64_t> forwarded{0}, retries{0}, shed{0}, rate_limited{0}, coalesced{0}, failures{0},
        shared_streams{0};
  };
  const Counts& counts() const { return counts_; }
  /// Before the first request.
  RateLimiter& limiter() { return limiter_; }
  std::int64_t in_flight() const { return in_flight_.load(std::memory_order_relaxed); }
  std::size_t open_streams() const { return streams_.open(); }

 private:
  /// What belongs to one thread alone.
  struct Local {
    RetryBudget broken{100};  ///< After a connection died: a killed instance loses many at once.
    RetryBudget refused{10};  ///< After a bad answer or a time-out.
    Coalescer coalescer;
    struct Fan {
      std::weak_ptr<EventFan> fan;
      BackendPtr instance;  ///< Whose stream it is.
    };
    std::map<std::string, Fan> fans;
    std::map<std::string, std::weak_ptr<Coalescer::Flight>> fans_to_be;
  };
  /// What is found out about one request on its way.
  struct Arrival {
    std::shared_ptr<const GatewayConfig> config;
    std::string name;         ///< Of the connection, when no proxy tells an address.
    std::string_view client;  ///< An address, or that name.
    const Route* route = nullptr;
  };
  using Place = std::shared_ptr<platform::StreamBudget::Place>;
  struct Passage {
    const http::Request& request;
    const GatewayConfig& config;
    const Route& route;
    std::string_view client;  ///< An address, or a name when no proxy tells one.
    bool named = false;       ///< By us: after its connection.
    std::uint64_t user = 0;   ///< 0: nobody signed in, or we cannot tell.
    std::int64_t began_ns = 0;
    std::uint64_t span = 0;
    std::uint64_t copies_hi = 0, copies_lo = 0;  ///< The same in all copies of it that are sent.
    bool sampled = false, repeatable = false, safe = false;
    bool reached = false;    ///< Some instance may have carried it out.
    bool unserved = false;   ///< No instance of the service is there.
    bool anonymous = false;  ///< It goes on without what says who asks.
    bool asks = false;       ///< Its head alone.
    int tries = 0;
    std::string fan_key;  ///< Of an event stream that all who ask for it may share.
    Place place;          ///< Taken already, of such a one.
    std::string instance;
    RateLimiter::Verdict verdict;
    const RateLimit* limit = nullptr;
  };

  Local& local();
  /// Valid until this thread asks again: whoever waits keeps a copy.
  const std::shared_ptr<const GatewayConfig>& current() const;
  void arrive(const http::Request& request, Arrival& arrival);
  /// Before it has arrived. Null: none.
  const Route* route_of(const GatewayConfig& config, const http::Request& request) const;
  Passage passage_of(const http::Request& request, const Arrival& arrival) const;
  Task<http::Reply> at_home(const http::Handler& handler, const http::Request& request);
  /// Nullopt: it may go to its end.
  std::optional<http::Reply> refuse_or_answer(Passage& passage);
  /// What every answer says besides.
  void complete(const Passage& passage, http::Reply& reply) const;
  Task<http::Reply> handle_normal(const http::Request& request);
  /// What is decided by the head alone, of a request whose body waits for a word; nullopt: it may come.
  Task<std::optional<http::Reply>> ask_ahead(const http::Request& given);
  Task<std::optional<http::Reply>> ask_service(Passage& passage);
  Task<http::Reply> handle_other(const http::Request& request);
  Task<http::Reply> pass(Passage& passage);
  Task<http::Reply> guarded(Passage& passage);
  Task<http::Reply> shared(Passage& passage, std::string key);
  Task<http::Reply> forward(Passage& passage, std::string service);
  Task<http::Reply> fallback(Passage& passage, http::Reply reply);
  Task<http::Reply> fanned(Passage& passage);
  /// To whoever asked for it: what is not public yet is its seller's alone.
  Task<http::Reply> seen_by(Passage& passage, Result<http::Reply> of_all);
  std::shared_ptr<EventFan> fan_of(const Passage& passage);
  http::Reply with_place(const Passage& passage, http::Reply reply);
  http::Reply subscribe(const Passage& passage, std::shared_ptr<EventFan> fan);
  /// Null: `refused` says so.
  Place take_place(const Passage& passage, std::optional<http::Reply>& refused);
  /// Among what is read of one instance: its event streams or its long answers.
  Place take_place_of(const BackendPtr& instance, const ReadersKind& kind, const Passage& passage,
                      std::optional<http::Reply>& refused);
  http::Reply no_place(platform::StreamBudget::Refusal why, std::string_view what, const Passage& passage);
  /// Nullopt: may pass.
  std::optional<http::Reply> check_limits(Passage& passage);
  struct LimitCheck {
    const RateLimit* limit;  ///< Null: none.
    std::uint64_t key;
  };
  std::array<LimitCheck, 3> limits_of(const Passage& passage) const;
  std::optional<http::Reply> check_token(Passage& passage);
  /// 0: nobody signed in, or we cannot tell. Errors: unauthenticated, forbidden.
  Result<std::uint64_t> user_of(const http::Request& request, const Route& route) const;
  bool has_room(const Passage& passage) const;
  void prepare(http::Call& call, const Passage& passage, const Backend& instance, std::string_view target,
               std::int64_t left_ms);
  http::Reply reply_of(http::Call& call, const Passage& passage, const BackendPtr& instance);
  http::Reply stream_of(http::Call& call, const Passage& passage, const BackendPtr& instance,
                        http::Reply reply);
  http::Reply long_answer_of(http::Call& call, const Passage& passage, const BackendPtr& instance,
                             http::Reply reply);
  /// For the access log.
  void note(const Passage& passage, http::Reply& reply);

  ProxyParts parts_;
  std::atomic<std::shared_ptr<const GatewayConfig>> config_;
  std::atomic<std::uint64_t> version_{1};
  std::atomic<std::int64_t> in_flight_{0};
  std::atomic<const auth::Authenticator*> authenticator_;
  const std::string name_;  ///< Among the gateways that a request may pass.
  const std::uint64_t name_bits_ = std::hash<std::string>()(name_);
  RateLimiter limiter_;
  platform::StreamBudget streams_;
  Counts counts_;
};

}  // namespace market::gateway
