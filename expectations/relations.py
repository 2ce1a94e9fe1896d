"""Relations between columns that Great Expectations does not have. Importing this module makes them known to it."""

from typing import Any, ClassVar, Literal

from wardround.validation.suites import great_expectations

great_expectations()

from great_expectations.execution_engine import PandasExecutionEngine  # noqa: E402
from great_expectations.expectations.expectation import (  # noqa: E402
    ColumnPairMapExpectation,
    MulticolumnMapExpectation,
)
from great_expectations.expectations.metrics.map_metric_provider import (  # noqa: E402
    ColumnPairMapMetricProvider,
    MulticolumnMapMetricProvider,
    column_pair_condition_partial,
    multicolumn_condition_partial,
)
from great_expectations.expectations.row_conditions import Column  # noqa: E402

__all__ = ["Column", "ExpectColumnPairSumToBeAtMost", "ExpectProductToBeNear"]


class PairSumAtMost(ColumnPairMapMetricProvider):
    """Row by row: whether ``column_A + column_B`` is at most *limit*."""

    condition_metric_name = "column_pair_values.sum_at_most"
    condition_domain_keys = ("batch_id", "table", "column_A", "column_B", "row_condition", "condition_parser",
                             "ignore_row_if")  # fmt: skip
    condition_value_keys = ("limit",)

    @column_pair_condition_partial(engine=PandasExecutionEngine)
    def _pandas(cls, column_A: Any, column_B: Any, **kwargs: Any) -> Any:  # noqa: N805
        return column_A + column_B <= kwargs["limit"]


class ProductNear(MulticolumnMapMetricProvider):
    """Row by row: whether the first two of three columns multiply to the third, within a relative *tolerance*."""

    condition_metric_name = "multicolumn_values.product_near"
    condition_domain_keys = ("batch_id", "table", "column_list", "row_condition", "condition_parser",
                             "ignore_row_if")  # fmt: skip
    condition_value_keys = ("tolerance",)

    @multicolumn_condition_partial(engine=PandasExecutionEngine)
    def _pandas(cls, column_list: Any, **kwargs: Any) -> Any:  # noqa: N805
        first, second, product = (column_list.iloc[:, place] for place in range(3))
        return (first * second - product).abs() <= kwargs["tolerance"] * product.abs()


class ExpectColumnPairSumToBeAtMost(ColumnPairMapExpectation):
    """Expect ``column_A + column_B <= limit`` in every row."""

    limit: float
    ignore_row_if: Literal["both_values_are_missing", "either_value_is_missing", "neither"] = "either_value_is_missing"
    map_metric: ClassVar[str] = "column_pair_values.sum_at_most"
    success_keys: ClassVar[tuple[str, ...]] = ("column_A", "column_B", "ignore_row_if", "limit", "mostly")


class ExpectProductToBeNear(MulticolumnMapExpectation):
    """Expect, of three columns, the first times the second to be near the third in every row."""

    tolerance: float
    ignore_row_if: Literal["all_values_are_missing", "any_value_is_missing", "never"] = "any_value_is_missing"
    map_metric: ClassVar[str] = "multicolumn_values.product_near"
    success_keys: ClassVar[tuple[str, ...]] = ("column_list", "ignore_row_if", "tolerance", "mostly")
