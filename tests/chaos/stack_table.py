"""The table of faults of the distributed stack, for distributed.py. What was killed is started again behind
the round.

`rows` are those of RELIABILITY.md. `away`: log or database are away, so a buyer may be told 503, and asks
again with the same key, for `patience` seconds. `breaks`: the buyer's own connection may end, and he does the
same. In all others no buyer sees a 5xx."""

import dataclasses


@dataclasses.dataclass
class Fault:
    rows: str
    away: bool = False
    breaks: bool = False
    rate: int = 400  # Buyers a second.
    orders: bool = False  # One of the order instances may be gone for the rest of the round.
    failpoint: str = ""
    seconds_max: float = 6
    after_max: int = 500  # It comes when 50 to so many are sold.
    some: bool = False  # A gateway reaches some of the instances alone.
    patience: float = 60
    webhooks: bool = False  # A webhook is told of all orders.


AWAY = {"away": True, "seconds_max": 30}
FAULTS = {
    # Processes.
    "kill_the_writer": Fault("14", orders=True),
    "pause_the_writer": Fault("14", orders=True),
    "stop_the_writer": Fault("21, 41", orders=True),
    "kill_the_other": Fault("23, 35", orders=True),
    "pause_the_other": Fault("23", orders=True),
    # Slow sales: somebody must still buy when it goes on.
    "pause_the_other_for_15_s": Fault("23", orders=True, rate=35, after_max=60),
    "kill_the_writer_when_the_other_resumes": Fault("14, 23", orders=True, rate=35, after_max=60),
    "starve_the_writer": Fault("14, 23", orders=True),
    "starve_the_other": Fault("23", orders=True),
    "kill_a_product_instance": Fault("35"),
    "pause_a_product_instance": Fault("35"),
    "kill_a_user_instance": Fault("35"),
    "pause_a_user_instance": Fault("35"),
    "kill_a_registry": Fault("33"),
    "kill_both_registries": Fault("33"),
    "pause_a_registry": Fault("33, 34"),
    "registries_come_back_empty": Fault("33"),
    "registries_name_strangers": Fault("33, 35"),
    "kill_a_gateway": Fault("35", breaks=True),
    "pause_a_gateway": Fault("35"),
    "rolling_restart": Fault("21, 41", rate=60),
    "step_a_clock": Fault("31"),
    # Ways.
    "cut_the_writer_from_kafka": Fault("14, 36", orders=True, **AWAY),
    "cut_the_other_from_kafka": Fault("23, 36", orders=True, **AWAY),
    "no_requests_to_kafka": Fault("14, 36", orders=True, **AWAY),
    "no_answers_from_kafka": Fault("19, 36", orders=True, **AWAY),
    "half_open_to_kafka": Fault("18", orders=True, **AWAY),
    "slow_kafka": Fault("18", **AWAY),
    "cut_the_doors": Fault("15, 36"),
    "no_answers_from_the_writer": Fault("15"),
    "half_open_doors": Fault("15"),
    "cut_from_mariadb": Fault("30", **AWAY),
    "half_open_to_mariadb": Fault("28, 30", **AWAY),
    "cut_from_redis": Fault("16"),
    "slow_redis": Fault("16"),
    "cut_from_the_registries": Fault("33, 36"),
    "swizzle_clog": Fault("37", **AWAY),
    # Ways between gateways and services: each gateway reaches one instance of each role at least.
    "gateways_cut_from_some": Fault("35, 36", some=True),
    "gateways_reach_some_half_open": Fault("35", some=True),
    "gateways_reach_some_slowly": Fault("35", some=True),
    "gateways_get_no_answers_of_some": Fault("35, 36", some=True),
    "gateways_get_no_requests_to_some": Fault("35, 36", some=True),
    "some_refuse_gateways": Fault("35", some=True),
    "some_answer_gateways_by_halves": Fault("35", some=True),
    "out_of_reach_of_gateways": Fault("33, 36", some=True),
    "cut_gateways_from_the_registries": Fault("33, 36"),
    "swizzle_clog_of_gateways": Fault("35, 37", some=True),
    # Engines.
    "flush_redis": Fault("12"),
    "kill_redis": Fault("11, 12"),
    "restart_redis_empty": Fault("12"),
    "pause_redis": Fault("16"),
    "redis_loses_scripts": Fault("17"),
    "redis_is_full": Fault("12, 17"),
    "redis_is_a_replica_of_nobody": Fault("13, 17"),
    "kill_redis_with_its_file": Fault("11"),
    "redis_loads_for_long": Fault("11, 17", rate=100),
    "redis_fails_over_to_a_lagging_replica": Fault("13", rate=60, after_max=100),
    "pause_kafka": Fault("18", **AWAY),
    "kill_kafka": Fault("18", **AWAY),
    "restart_kafka": Fault("18", **AWAY),
    "kafka_is_away_for_60_s": Fault("18", away=True, rate=100, seconds_max=90, patience=120),
    "pause_mariadb": Fault("30", **AWAY),
    "kill_mariadb": Fault("28", **AWAY),
    "restart_mariadb": Fault("28", **AWAY),
    "mariadb_only_reads": Fault("29", **AWAY),
    "mariadb_takes_no_connections": Fault("28, 29", **AWAY),
    "mariadb_loses_answers_to_commits": Fault("28"),
    "deadlocks_in_mariadb": Fault("29", rate=100, after_max=300),
    "lock_waits_in_mariadb": Fault("29", rate=60, after_max=200),
    # What the broker takes no more, and a producer that breaks for good.
    "kafka_takes_small_records_alone": Fault("20", **AWAY),
    "kafka_forbids_writing": Fault("20", **AWAY),
    "the_producer_breaks": Fault("20", failpoint="producer"),
    # What others write into the log's topic.
    "groups_come_again_in_kafka": Fault("19"),
    "foreign_bytes_in_kafka": Fault("26"),
    "groups_of_no_account_in_kafka": Fault("19"),
    "opens_of_no_account_in_kafka": Fault("14, 19"),
    "term_of_nobody_in_kafka": Fault("14"),
    "public_events_come_again_in_kafka": Fault("25"),
    # Clients, and whoever hears of orders.
    "opening_at_this_moment": Fault("32"),
    "slow_clients_at_the_gateways": Fault("38", rate=45, after_max=60),
    "webhooks_are_not_taken": Fault("22, 27", webhooks=True, rate=100, after_max=300),
    # Between two steps of the writer.
    "killed_before_it_counts": Fault("1, 19", failpoint="append"),
    "killed_before_the_answer": Fault("19", failpoint="count"),
    "killed_between_effect_and_place": Fault("22, 25", failpoint="effect"),
    "killed_between_attempt_and_charge": Fault("39", failpoint="attempt"),
    "killed_between_charge_and_settlement": Fault("39", failpoint="charge"),
    "killed_between_settlement_and_answer": Fault("39", failpoint="settle"),
    "killed_between_refund_and_settlement": Fault("40", failpoint="refund"),
    "killed_between_post_and_note": Fault("22", failpoint="post", webhooks=True, rate=100),
    "stopped_before_it_counts": Fault("14, 19", failpoint="append:stop"),
    "stopped_before_the_answer": Fault("14", failpoint="count:stop"),
    "stopped_between_attempt_and_charge": Fault("39", failpoint="attempt:stop"),
    "stopped_between_charge_and_settlement": Fault("39", failpoint="charge:stop"),
    "stopped_between_refund_and_settlement": Fault("40", failpoint="refund:stop"),
}
# How often a failpoint is reached before it acts. Three products are listed before anything is sold.
TIMES = {"effect": (1, 4), "attempt": (1, 4), "charge": (1, 4), "settle": (1, 4), "refund": (1, 3),
         "post": (1, 40), "producer": (3, 30)}
LINKED = ("order-1", "order-2", "order-3")
GATEWAYS = ("gateway-1", "gateway-2")
SERVED = ("user-1", "user-2", "product-1", "product-2", *LINKED)
