from pydantic import BaseModel


class Question(BaseModel):
    text: str
    tools: list[str] = []
    budget: int = 5


class Answer(BaseModel):
    text: str
    done: bool = False
    tool: str = ""
