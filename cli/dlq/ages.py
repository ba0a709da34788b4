"""How long messages have been dead."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError


def oldest(cloudwatch: Any, urls: Mapping[str, str], now: datetime) -> dict[str, timedelta]:
    """For how long the oldest message of each queue (name to URL) is there, where that is known.

    SQS tells it to CloudWatch alone, each minute; in a dead-letter queue it counts from the
    message's arrival there (SQS developer guide, "dead-letter queue retention").
    """
    names = list(urls)
    queries = [
        {
            "Id": f"q{place}",
            "MetricStat": {
                "Metric": {
                    "Namespace": "AWS/SQS",
                    "MetricName": "ApproximateAgeOfOldestMessage",
                    "Dimensions": [
                        {"Name": "QueueName", "Value": urls[name].rstrip("/").rsplit("/", 1)[-1]}
                    ],
                },
                "Period": 60,
                "Stat": "Maximum",
            },
        }
        for place, name in enumerate(names)
    ]
    try:
        answer = cloudwatch.get_metric_data(
            MetricDataQueries=queries, StartTime=now - timedelta(minutes=15), EndTime=now
        )
    except (BotoCoreError, ClientError):
        return {}  # the number of messages is what matters; who may not ask is not kept from it
    return {
        names[int(one["Id"][1:])]: timedelta(seconds=one["Values"][0])
        for one in answer["MetricDataResults"]
        if one["Values"]
    }
